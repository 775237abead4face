package console

import (
	"fmt"
	"html/template"
	"net/http"
	"net/url"
)

type poolSettingsPage struct {
	poolPage
	PasswordCLI, SignUpCLI, MessagesCLI, AttributesCLI template.HTML
}

// settingsForms are the forms of the tab "Sign-in and passwords".
func (c *Console) settingsForms() map[string]reader {
	return map[string]reader{
		"password": c.readPoolPassword, "sign-up": c.readSignUp, "messages": c.readMessages, "attributes": c.readAttributes,
	}
}

func (c *Console) poolSettingsPage(w http.ResponseWriter, r *http.Request, typed url.Values, problem string) error {
	base, err := c.loadPool(r, "settings")
	if err != nil {
		return err
	}
	p := &poolSettingsPage{poolPage: base}
	p.fill(storedSettings(&base.Pool), typed, problem)
	p.PasswordCLI = c.cliFor(r, c.readPoolPassword, p.Fields)
	p.SignUpCLI = c.cliFor(r, c.readSignUp, p.Fields)
	p.MessagesCLI = c.cliFor(r, c.readMessages, p.Fields)
	p.AttributesCLI = c.cliFor(r, c.readAttributes, p.Fields)
	return c.render(w, r, "pool-settings", p)
}

func storedSettings(pool *userPool) url.Values {
	password := pool.Policies.PasswordPolicy
	v := url.Values{
		"length": {fmt.Sprint(password.MinimumLength)}, "tempdays": {fmt.Sprint(password.TemporaryPasswordValidityDays)},
		"verify": pool.AutoVerifiedAttributes, "before": pool.UserAttributeUpdateSettings.AttributesRequireVerificationBeforeUpdate,
		"subject": {pool.VerificationMessageTemplate.EmailSubject}, "email": {pool.VerificationMessageTemplate.EmailMessage},
		"sms": {pool.VerificationMessageTemplate.SmsMessage},
	}
	for name, required := range map[string]bool{
		"uppercase": password.RequireUppercase, "lowercase": password.RequireLowercase,
		"numbers": password.RequireNumbers, "symbols": password.RequireSymbols,
	} {
		if required {
			v.Add("require", name)
		}
	}
	if !pool.AdminCreateUserConfig.AllowAdminCreateUserOnly {
		v.Set("selfsignup", "on")
	}
	for _, m := range pool.AccountRecoverySetting.RecoveryMechanisms {
		v.Add("recovery", m.Name)
	}
	return v
}

// changePool makes an UpdateUserPool that changes one thing and sends the rest
// back as it is.
func (c *Console) changePool(r *http.Request, tab, said string, edit func(in object) error) (change, error) {
	in, err := c.settingsOf(r.Context(), c.do(r), r.PathValue("pool"))
	if err == nil {
		err = edit(in)
	}
	return one("UpdateUserPool", in, poolPath(r.PathValue("pool"))+"/"+tab, said), err
}

// member returns an object within an object, which is made if it is missing.
func member(in object, name string) object {
	inner, ok := in[name].(object)
	if !ok {
		inner = object{}
		in[name] = inner
	}
	return inner
}

func (c *Console) readPoolPassword(r *http.Request, v url.Values) (change, error) {
	return c.changePool(r, "settings", "The password policy is saved. It holds for passwords that are set from now on.", func(in object) error {
		password, err := readPassword(v)
		policy := member(member(in, "Policies"), "PasswordPolicy")
		for name, value := range password {
			policy[name] = value
		}
		return err
	})
}

func (c *Console) readSignUp(r *http.Request, v url.Values) (change, error) {
	return c.changePool(r, "settings", "The sign-up settings are saved.", func(in object) error {
		member(in, "AdminCreateUserConfig")["AllowAdminCreateUserOnly"] = v.Get("selfsignup") != "on"
		in["AutoVerifiedAttributes"] = nonNil(v["verify"])
		in["UserAttributeUpdateSettings"] = object{"AttributesRequireVerificationBeforeUpdate": nonNil(v["before"])}
		if recovery := readRecovery(v); recovery != nil {
			in["AccountRecoverySetting"] = recovery
		}
		return nil
	})
}

func (c *Console) readMessages(r *http.Request, v url.Values) (change, error) {
	return c.changePool(r, "settings", "The messages are saved.", func(in object) error {
		// Three older members say the same; both would have to agree.
		for _, old := range []string{"EmailVerificationSubject", "EmailVerificationMessage", "SmsVerificationMessage"} {
			delete(in, old)
		}
		template := member(in, "VerificationMessageTemplate")
		for name, field := range map[string]string{"EmailSubject": "subject", "EmailMessage": "email", "SmsMessage": "sms"} {
			delete(template, name)
			set(template, name, v.Get(field))
		}
		return nil
	})
}

func (c *Console) readAttributes(r *http.Request, v url.Values) (change, error) {
	custom, err := readCustom(v.Get("custom"))
	if custom == nil {
		custom = []object{}
	}
	in := object{"UserPoolId": r.PathValue("pool"), "CustomAttributes": custom}
	return one("AddCustomAttributes", in, poolPath(r.PathValue("pool"))+"/settings", "The attributes are added. They cannot be removed."), err
}

func nonNil(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}
