// A user pool expects the event back; what the function decides goes into
// event.response.
const handler = async (event) => {
  console.log(event.triggerSource, event.userName);
  return event;
};

export { handler };
