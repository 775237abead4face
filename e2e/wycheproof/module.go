//go:build wycheproof_vectors

package wycheproof

// The vectors are read from the module's folder. To build with this package
// would put all of them into the binary; the import, which no build has, keeps
// it among the requirements.
import _ "github.com/c2sp/wycheproof"
