//go:build linux && cgo

#include "shim.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { pkey_rsa = 6, rsa_pkcs1_padding = 1, version_text = 0 };

static unsigned long (*version_num)(void);
static const char *(*version)(int);
static void (*clear_error)(void);
static void *(*d2i)(void **, const unsigned char **, long);
static void (*key_free)(void *);
static int (*key_id)(const void *);
static int (*key_size)(const void *);
static void *(*ctx_new)(void *, void *);
static void (*ctx_free)(void *);
static int (*sign_init)(void *);
static int (*verify_init)(void *);
static int (*set_padding)(void *, int);
static int (*set_md)(void *, const void *);
static const void *(*sha256)(void);
static int (*pkey_sign)(void *, unsigned char *, size_t *, const unsigned char *, size_t);
static int (*pkey_verify)(void *, const unsigned char *, size_t, const unsigned char *, size_t);

static const struct {
	const char *name;
	void *to; // a function pointer of the above
} symbols[] = {
	{"OpenSSL_version_num", &version_num},
	{"OpenSSL_version", &version},
	{"ERR_clear_error", &clear_error},
	{"d2i_AutoPrivateKey", &d2i},
	{"EVP_PKEY_free", &key_free},
	{"EVP_PKEY_get_base_id", &key_id},
	{"EVP_PKEY_get_size", &key_size},
	{"EVP_PKEY_CTX_new", &ctx_new},
	{"EVP_PKEY_CTX_free", &ctx_free},
	{"EVP_PKEY_sign_init", &sign_init},
	{"EVP_PKEY_verify_init", &verify_init},
	{"EVP_PKEY_CTX_set_rsa_padding", &set_padding},
	{"EVP_PKEY_CTX_set_signature_md", &set_md},
	{"EVP_sha256", &sha256},
	{"EVP_PKEY_sign", &pkey_sign},
	{"EVP_PKEY_verify", &pkey_verify},
};

const char *rp_load(void) {
	static char why[256];
	// RTLD_LOCAL: another libcrypto in the process must not be mixed with ours.
	void *lib = dlopen("libcrypto.so.3", RTLD_NOW | RTLD_LOCAL);
	if (lib == NULL) {
		const char *e = dlerror();
		snprintf(why, sizeof why, "%s", e != NULL ? e : "dlopen failed");
		return why;
	}
	for (size_t i = 0; i < sizeof symbols / sizeof symbols[0]; i++) {
		void *f = dlsym(lib, symbols[i].name);
		if (f == NULL) {
			snprintf(why, sizeof why, "libcrypto.so.3 has no %s", symbols[i].name);
			dlclose(lib);
			return why;
		}
		*(void **)symbols[i].to = f;
	}
	if (version_num() >> 28 != 3) {
		snprintf(why, sizeof why, "libcrypto.so.3 says it is %s", version(version_text));
		dlclose(lib);
		return why;
	}
	return NULL; // never closed: signers may live as long as the process
}

const char *rp_version(void) { return version(version_text); }

// libcrypto queues errors per thread. Ours is whichever thread the goroutine
// happens to run on, so the queue is emptied before the call returns to Go.
static int ok(int result) {
	if (result == 1) {
		return 1;
	}
	clear_error();
	return 0;
}

void *rp_key_new(const unsigned char *der, long len) {
	const unsigned char *p = der;
	void *key = d2i(NULL, &p, len);
	if (key == NULL || p != der + len || key_id(key) != pkey_rsa) {
		if (key != NULL) {
			key_free(key);
		}
		clear_error();
		return NULL;
	}
	return key;
}

void rp_key_free(void *key) { key_free(key); }

int rp_key_size(void *key) { return key_size(key); }

static void *context(void *key, int (*init)(void *)) {
	void *c = ctx_new(key, NULL);
	if (c != NULL && init(c) == 1 && set_padding(c, rsa_pkcs1_padding) == 1 && set_md(c, sha256()) == 1) {
		return c;
	}
	if (c != NULL) {
		ctx_free(c);
	}
	clear_error();
	return NULL;
}

rp_pair *rp_pair_new(void *key) {
	rp_pair *p = calloc(1, sizeof *p);
	if (p == NULL) {
		return NULL;
	}
	p->sign = context(key, sign_init);
	p->verify = context(key, verify_init);
	if (p->sign == NULL || p->verify == NULL) {
		rp_pair_free(p);
		return NULL;
	}
	return p;
}

void rp_pair_free(rp_pair *p) {
	if (p->sign != NULL) {
		ctx_free(p->sign);
	}
	if (p->verify != NULL) {
		ctx_free(p->verify);
	}
	free(p);
}

int rp_verify(rp_pair *p, const unsigned char *sig, size_t siglen, const unsigned char *digest, size_t len) {
	return ok(pkey_verify(p->verify, sig, siglen, digest, len));
}

int rp_sign(rp_pair *p, unsigned char *sig, size_t *siglen, const unsigned char *digest, size_t len, const unsigned char *fault) {
	if (!ok(pkey_sign(p->sign, sig, siglen, digest, len))) {
		return 0;
	}
	for (size_t i = 0; fault != NULL && i < *siglen; i++) {
		sig[i] ^= fault[i];
	}
	if (!rp_verify(p, sig, *siglen, digest, len)) {
		memset(sig, 0, *siglen);
		return -1;
	}
	return 1;
}
