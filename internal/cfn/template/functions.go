package template

// The functions of templates that make texts and lists, and that choose.

import (
	"encoding/base64"
	"math/big"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
)

func (e *Environment) join(arg any) (any, error) {
	a, err := args("Fn::Join", arg, 2, 2)
	if err != nil {
		return nil, err
	}
	sep, ok := a[0].(string)
	if !ok {
		return nil, errorf("Template error: every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of strings to be joined or a function that returns a list of strings (such as Fn::GetAZs) to be joined.")
	}
	list, known, err := e.evalList("Fn::Join", a[1])
	if err != nil || !known {
		return Unknown{}, err
	}
	parts := make([]string, len(list))
	for i, v := range list {
		switch v.(type) {
		case Unknown:
			return Unknown{}, nil
		case string, Number, bool:
			parts[i] = text(v)
		default:
			return nil, errorf("Template error: Fn::Join joins texts only")
		}
	}
	return e.grow(strings.Join(parts, sep))
}

func (e *Environment) split(arg any) (any, error) {
	a, err := args("Fn::Split", arg, 2, 2)
	if err != nil {
		return nil, err
	}
	sep, ok := a[0].(string)
	if !ok || sep == "" {
		return nil, errorf("Template error: every Fn::Split object requires two parameters, (1) a string delimiter and (2) a string to be split or a function that returns a string to be split.")
	}
	s, err := e.evalText("Fn::Split", a[1])
	if err != nil || s == nil {
		return Unknown{}, err
	}
	list := []any{}
	for _, p := range strings.Split(*s, sep) {
		list = append(list, p)
	}
	return list, nil
}

func (e *Environment) pick(arg any) (any, error) {
	a, err := args("Fn::Select", arg, 2, 2)
	if err != nil {
		return nil, err
	}
	index, err := e.evalText("Fn::Select", a[0])
	if err != nil || index == nil {
		return Unknown{}, err
	}
	list, known, err := e.evalList("Fn::Select", a[1])
	if err != nil || !known {
		return Unknown{}, err
	}
	i, err := strconv.Atoi(*index)
	if err != nil || i < 0 || i >= len(list) {
		return nil, errorf("Template error: Fn::Select cannot select nonexistent value at index %.20s", *index)
	}
	return list[i], nil
}

func (e *Environment) ifElse(arg any) (any, error) {
	a, err := args("Fn::If", arg, 3, 3)
	if err != nil {
		return nil, err
	}
	name, ok := a[0].(string)
	if !ok {
		return nil, errorf("Template error: Fn::If requires a list argument with the first element being a condition")
	}
	holds, err := e.Condition(name)
	if err != nil {
		return nil, err
	}
	if holds {
		return e.eval(a[1])
	}
	return e.eval(a[2])
}

func (e *Environment) findInMap(arg any) (any, error) {
	a, err := args("Fn::FindInMap", arg, 3, 4)
	if err != nil {
		return nil, err
	}
	var keys [3]string
	for i := range keys {
		k, err := e.evalText("Fn::FindInMap", a[i])
		if err != nil || k == nil {
			return Unknown{}, err
		}
		keys[i] = *k
	}
	top, _ := e.Template.Mappings.Get(keys[0])
	m, _ := top.(*Map)
	second, _ := m.Get(keys[1])
	m, _ = second.(*Map)
	if v, ok := m.Get(keys[2]); ok {
		return v, nil // there are no functions in it
	}
	if len(a) == 4 {
		d, ok := a[3].(*Map)
		v, there := d.Get("DefaultValue")
		if ok && there && d.Len() == 1 && slices.Contains(e.Template.Transforms, LanguageExtensions) {
			return e.eval(v)
		}
	}
	return nil, errorf("Template error: Unable to get mapping for %.100s::%.100s::%.100s", keys[0], keys[1], keys[2])
}

func (e *Environment) base64(arg any) (any, error) {
	s, err := e.evalText("Fn::Base64", arg)
	if err != nil || s == nil {
		return Unknown{}, err
	}
	return e.grow(base64.StdEncoding.EncodeToString([]byte(*s)))
}

func (e *Environment) zones(arg any) (any, error) {
	region, err := e.evalText("Fn::GetAZs", arg)
	if err != nil || region == nil {
		return Unknown{}, err
	}
	if *region == "" {
		*region = e.Region
	}
	return []any{*region + "a", *region + "b", *region + "c"}, nil
}

func (e *Environment) importValue(arg any) (any, error) {
	name, err := e.evalText("Fn::ImportValue", arg)
	if err != nil || name == nil {
		return Unknown{}, err
	}
	if e.Import == nil {
		return nil, errorf("No export named %.100s found.", *name)
	}
	v, err := e.Import(*name)
	if err != nil {
		return nil, err
	}
	return v, nil
}

func (e *Environment) cidr(arg any) (any, error) {
	a, err := args("Fn::Cidr", arg, 2, 3)
	if err != nil {
		return nil, err
	}
	var given [3]string
	given[2] = "8"
	for i := range a {
		s, err := e.evalText("Fn::Cidr", a[i])
		if err != nil || s == nil {
			return Unknown{}, err
		}
		given[i] = *s
	}
	block, err := netip.ParsePrefix(given[0])
	count, err2 := strconv.Atoi(given[1])
	bits, err3 := strconv.Atoi(given[2])
	all := block.Addr().BitLen()
	if err != nil || err2 != nil || err3 != nil || block.Addr().Is4In6() || count < 1 || count > 256 || bits < 1 || bits > all-block.Bits() {
		return nil, errorf("Template error: Fn::Cidr needs a block of addresses, a count of 1 to 256 and a number of bits that the block has")
	}
	if spare := all - block.Bits() - bits; spare < 8 && count > 1<<spare {
		return nil, errorf("Template error: the block of Fn::Cidr has no room for %d", count)
	}
	base := new(big.Int).SetBytes(block.Masked().Addr().AsSlice())
	list := []any{}
	for i := range count {
		n := new(big.Int).Lsh(big.NewInt(int64(i)), uint(bits))
		addr, _ := netip.AddrFromSlice(n.Add(n, base).FillBytes(make([]byte, all/8)))
		list = append(list, netip.PrefixFrom(addr, all-bits).String())
	}
	return list, nil
}

func (e *Environment) length(arg any) (any, error) {
	list, known, err := e.evalList("Fn::Length", arg)
	if err != nil || !known {
		return Unknown{}, err
	}
	return Number(strconv.Itoa(len(list))), nil
}

func (e *Environment) toJSON(arg any) (any, error) {
	v, err := e.eval(arg)
	if err != nil {
		return nil, err
	}
	if !Known(v) {
		return Unknown{}, nil
	}
	b, err := json.Marshal(v)
	if err != nil {
		return nil, errorf("Template error: Fn::ToJsonString: %v", err)
	}
	return e.grow(string(b))
}
