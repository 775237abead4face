// The few functions of libcrypto 3 that the package calls, found at run time.
// Declared here by their documented signatures, so that no header is needed.

#ifndef ROCKPOOL_LIBCRYPTO_SHIM_H
#define ROCKPOOL_LIBCRYPTO_SHIM_H

#include <stddef.h>

typedef struct rp_pair {
	void *sign;   // EVP_PKEY_CTX after EVP_PKEY_sign_init
	void *verify; // EVP_PKEY_CTX after EVP_PKEY_verify_init
} rp_pair;

// rp_load opens the library once; NULL on success, else why not. The text is
// static or lives as long as the process. Not safe for concurrent use.
const char *rp_load(void);

// rp_version is the library's own version text.
const char *rp_version(void);

// rp_key_new parses a PKCS #1 or PKCS #8 DER key. NULL if it is no RSA key.
void *rp_key_new(const unsigned char *der, long len);
void rp_key_free(void *key);

// rp_key_size is the length of a signature in bytes.
int rp_key_size(void *key);

// rp_pair_new returns contexts for RS256 with the key, NULL on failure. A pair
// is for one caller at a time, and may outlive the rp_key_free of its key.
rp_pair *rp_pair_new(void *key);
void rp_pair_free(rp_pair *p);

// rp_sign signs and verifies what it made, in one call: from Go every call has
// a price. *siglen is the room in sig, then what was written. 1: done, 0: the
// library cannot sign, -1: the signature does not verify, and sig is cleared.
// fault, NULL but in a test, is exclusive-ored into the signature in between.
int rp_sign(rp_pair *p, unsigned char *sig, size_t *siglen, const unsigned char *digest, size_t len, const unsigned char *fault);

// rp_verify returns 1 if the signature is good.
int rp_verify(rp_pair *p, const unsigned char *sig, size_t siglen, const unsigned char *digest, size_t len);

#endif
