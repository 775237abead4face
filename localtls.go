package rockpool

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"time"
)

// LocalTLS returns a TLS configuration with a certificate for every name that
// the server answers to, signed by an authority of this server's own. The
// authority lives in the data directory and is made at first use; authority is
// the path of its certificate, which clients have to trust.
func (s *Server) LocalTLS() (config *tls.Config, authority string, err error) {
	authority = filepath.Join(s.dir, "ca.pem")
	ca, err := openAuthority(authority, filepath.Join(s.dir, "ca-key.pem"))
	if err != nil {
		return nil, "", fmt.Errorf("local authority: %w", err)
	}
	public, err := url.Parse(s.opts.PublicURL)
	if err != nil {
		return nil, "", err
	}
	names := []string{"localhost", "*.localhost", "*.auth.localhost", "127.0.0.1", "::1", public.Hostname(), "*." + public.Hostname()}
	leaf, err := ca.issue(names)
	if err != nil {
		return nil, "", err
	}
	return &tls.Config{Certificates: []tls.Certificate{leaf}, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}, authority, nil
}

// certificateAuthority signs certificates for this machine.
type certificateAuthority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

const (
	authorityLife   = 10 * 365 * 24 * time.Hour
	certificateLife = 825 * 24 * time.Hour // the most that Apple's clients accept
)

func openAuthority(certFile, keyFile string) (*certificateAuthority, error) {
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if errors.Is(err, fs.ErrNotExist) {
		return newAuthority(certFile, keyFile)
	}
	if err != nil {
		return nil, err
	}
	key, ok := pair.PrivateKey.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("%s is not an ECDSA key", keyFile)
	}
	return &certificateAuthority{pair.Leaf, key}, nil
}

func newAuthority(certFile, keyFile string) (*certificateAuthority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := template("Rockpool local authority", authorityLife)
	template.IsCA, template.BasicConstraintsValid, template.MaxPathLenZero = true, true, true
	template.KeyUsage = x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}), 0o600); err != nil {
		return nil, err
	}
	if err := os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644); err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	return &certificateAuthority{cert, key}, err
}

func template(name string, life time.Duration) *x509.Certificate {
	// The system's clock, not the server's: it is other programs that check.
	now := time.Now()
	return &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(serial()),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    now.Add(-time.Hour), NotAfter: now.Add(life),
	}
}

func serial() []byte {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // crypto/rand never fails
	b[0] &= 0x7f
	return b
}

// issue makes a certificate for names, which are host names or addresses.
func (ca *certificateAuthority) issue(names []string) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	leaf := template("localhost", certificateLife)
	leaf.KeyUsage = x509.KeyUsageDigitalSignature
	leaf.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	for _, name := range names {
		if ip, err := netip.ParseAddr(name); err == nil {
			leaf.IPAddresses = append(leaf.IPAddresses, net.IP(ip.AsSlice()))
		} else {
			leaf.DNSNames = append(leaf.DNSNames, name)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, ca.cert, key.Public(), ca.key)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{der, ca.cert.Raw}, PrivateKey: key}, nil
}
