# Pre token generation, event V1_0: claims of the ID token.
#
# The attributes come from the user pool. Take only those that users cannot
# write themselves (app client, write attributes), and never copy the event's
# client metadata into a claim: whoever signs in wrote it.


def lambda_handler(event, context):
    attributes = event["request"]["userAttributes"]

    event["response"] = {
        "claimsOverrideDetails": {
            "claimsToAddOrOverride": {
                "tenantId": attributes.get("custom:tenantId"),
                "departmentId": attributes.get("custom:department"),
            },
        },
    }

    return event
