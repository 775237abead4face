//go:build linux

package main

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rockpoolhq/rockpool/internal/libcrypto"
	"github.com/rockpoolhq/rockpool/internal/srp"
	"github.com/rockpoolhq/rockpool/internal/token"
)

const boundVerb = "bound"

// bounds are the cryptography of one request, and nothing else.
var bounds = map[string]func() func(){
	"sign2":    func() func() { return twoSignatures(signer()) },
	"password": passwordBound,
	"srp":      srpBound,
}

// signer is what the server chooses by default.
func signer() func(*rsa.PrivateKey) (crypto.Signer, error) {
	if libcrypto.Available() == nil {
		return libcrypto.New
	}
	return nil
}

// twoSignatures signs an ID and an access token's worth of claims.
func twoSignatures(newSigner func(*rsa.PrivateKey) (crypto.Signer, error)) func() {
	var keys []*token.Key
	var claims []token.Claims
	for _, use := range []token.Use{token.ID, token.Access} {
		k, der, err := token.GenerateKey(use)
		if err == nil {
			if _, err = x509.ParsePKCS8PrivateKey(der); err == nil {
				k, err = token.ParseKey(use, k.ID, der, newSigner)
			}
		}
		if err != nil {
			panic(err)
		}
		var c token.Claims
		c.Set("token_use", string(use))
		keys, claims = append(keys, k), append(claims, c)
	}
	return func() {
		for i, k := range keys {
			if _, err := k.Sign(claims[i]); err != nil {
				panic(err)
			}
		}
	}
}

const benchPassword = "Correct-Horse-9"

func passwordBound() func() {
	sign := twoSignatures(signer())
	v := srp.NewVerifier("Pool", "user", benchPassword)
	return func() {
		if !v.Matches("Pool", "user", benchPassword) {
			panic("the password does not match")
		}
		sign()
	}
}

func srpBound() func() {
	sign := twoSignatures(signer())
	v := srp.NewVerifier("Pool", "user", benchPassword)
	a := srp.NewClient("Pool", benchPassword).A()
	return func() {
		b, publicB := srp.Start(v)
		if _, err := srp.Key(v, b, a, publicB); err != nil {
			panic(err)
		}
		sign()
	}
}

// measureBound is the process that measures one bound and prints it.
func measureBound(arg string) {
	name, seconds, _ := strings.Cut(arg, "=")
	d, err := time.ParseDuration(seconds)
	if err != nil {
		panic(err)
	}
	work := bounds[name]()
	work()
	n := 0
	before := ownCPU()
	for began := time.Now(); time.Since(began) < d; n++ {
		work()
	}
	fmt.Println(float64((ownCPU() - before).Nanoseconds()) / float64(n))
}

// ownCPU is the processor time that this process has used. Bounds and servers
// are compared by processor time, which a busy neighbour does not change.
func ownCPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// bound measures a bound on the server's core: processor time of one unit.
func bound(ctx context.Context, name string, d time.Duration) (time.Duration, error) {
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	out, err := onServerCore(ctx, self, boundVerb, name+"="+d.String()).Output()
	if err != nil {
		return 0, err
	}
	ns, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
	return time.Duration(ns), err
}
