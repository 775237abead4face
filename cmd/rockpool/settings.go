package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"
)

const envPrefix = "ROCKPOOL_"

// otherEnv are variables with our prefix that are not flags of a server.
var otherEnv = map[string]bool{"ROCKPOOL_KEK": true, "ROCKPOOL_ENDPOINT": true, "ROCKPOOL_TEST_POSTGRES": true}

func envName(flag string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// settle gives every flag that the command line leaves out its value from the
// environment, or else from the configuration file. A name that is no setting
// is an error in both, so that a misspelt one is not silently without effect.
func (f *serverFlags) settle(cmd *cobra.Command) error {
	known := map[string]string{} // variable → flag
	cmd.Flags().VisitAll(func(flag *pflag.Flag) { known[envName(flag.Name)] = flag.Name })
	for _, entry := range os.Environ() {
		name, value, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, envPrefix) || otherEnv[name] {
			continue
		}
		flag, ok := known[name]
		if !ok {
			return misused("environment variable %s is not a setting of %s (try %s --help)", name, cmd.CommandPath(), cmd.CommandPath())
		}
		if err := setUnlessChanged(cmd, flag, value, "environment variable "+name); err != nil {
			return err
		}
	}
	if f.config == "" {
		return nil
	}
	settings, err := readConfig(f.config)
	if err != nil {
		return err
	}
	for name, value := range settings {
		if name == "config" || cmd.Flags().Lookup(name) == nil {
			return misused("%s: %q is not a setting of %s", f.config, name, cmd.CommandPath())
		}
		if err := setUnlessChanged(cmd, name, value, f.config+": "+name); err != nil {
			return err
		}
	}
	return nil
}

// setUnlessChanged sets a flag that nothing with precedence has set. Setting
// it marks it as changed.
func setUnlessChanged(cmd *cobra.Command, flag, value, where string) error {
	if cmd.Flags().Changed(flag) {
		return nil
	}
	if err := cmd.Flags().Set(flag, value); err != nil {
		return misused("%s: %v", where, err)
	}
	return nil
}

// readConfig reads a YAML file of scalars by flag name.
func readConfig(path string) (map[string]string, error) {
	const maxConfig = 1 << 20
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxConfig {
		return nil, fmt.Errorf("%s is larger than 1 MiB", path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var settings map[string]string
	if err := yaml.Unmarshal(text, &settings); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return settings, nil
}

// filesTLS loads a certificate and key from "CERT,KEY".
func filesTLS(value string) (*tls.Config, error) {
	certFile, keyFile, ok := strings.Cut(value, ",")
	if !ok {
		return nil, misused("--tls is auto or CERT,KEY, not %q", value)
	}
	cert, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, errors.Join(errors.New("TLS certificate"), err)
	}
	return &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}, nil
}
