// Package web is what every HTTP surface of the server shares: the event that
// stands for a request, its id, the limits, and the way to write an answer.
//
// It knows no feature and no protocol. A surface (awsapi, oauth, login,
// console) is an http.Handler inside one Handler of this package:
//
//	listener ─ Limit ─▶ http.Server from NewServer ─▶ Handler ─▶ surface
//
// Handler makes the Event, recovers panics, and logs the event once, when the
// answer is out. Code further in adds what it learns to the Event; it does not
// log.
package web
