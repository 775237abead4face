# A user pool expects the event back; what the function decides goes into
# event["response"].


def lambda_handler(event, context):
    print(event.get("triggerSource"), event.get("userName"))
    return event
