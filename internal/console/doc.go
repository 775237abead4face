// Package console is the web console: pages under /console/ for what the APIs
// do.
//
// It has no power of its own. Whatever a page shows of pools, users, functions
// and stacks, and whatever a form changes, is an operation of an API called by
// name, as the principal of the session: the same authorization, the same
// validation, the same errors. So a form is a list of calls, and the AWS CLI
// commands that it shows are made of those. What no API has (recent sign-ins,
// invocations, logs) comes read only through Data, for root principals.
//
//	request ─▶ guard: session, origin, token ─▶ handler ─▶ do: API.Call ─▶ render
//
// Pages are html/template, work without JavaScript and answer a POST with a
// redirect. The modules in static improve on them; those of the editor and of
// Try it are needed, which their pages say.
package console
