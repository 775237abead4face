package sqlstore

import "errors"

// What an engine makes of a driver's error, so that nothing above it knows
// drivers. Any other error is an outage and is returned as it is.
var (
	// errRetry means that the transaction did not happen and may be run again:
	// a serialization failure, a deadlock, a lock not had in time.
	errRetry = errors.New("sqlstore: conflict with another transaction")
	// errLost means that the connection was lost: before the commit the
	// transaction did not happen; during it, nobody knows.
	errLost = errors.New("sqlstore: connection lost")
	// errTxOver means that a Tx was used after its function had returned.
	errTxOver = errors.New("sqlstore: transaction is over")
	// errClosed means that the store was used after Close.
	errClosed = errors.New("sqlstore: closed")
	// errPanicked stands for fn not returning.
	errPanicked = errors.New("sqlstore: function did not return")
)

// Faults that Options.Fault can answer with; see there.
var (
	// FaultConflict is what a database says to a transaction that it could not
	// serialize (40001).
	FaultConflict error = &fault{errRetry}
	// FaultLost is a connection that breaks before the statement gets there.
	FaultLost error = &fault{errLost}
	// FaultLostReply is a connection that breaks after the statement was done
	// and before the answer came. It makes a difference on a commit only.
	FaultLostReply error = &fault{errLost}
)

// fault is an injected error that is treated as the error that it stands for.
type fault struct{ as error }

func (f *fault) Error() string { return "injected: " + f.as.Error() }
func (f *fault) Unwrap() error { return f.as }
