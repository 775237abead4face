package main

import (
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// cloudFormation calls an operation of the CloudFormation API, which takes forms
// and answers in XML. out is what stands in the answer's result element.
func (c *client) cloudFormation(ctx context.Context, operation string, in url.Values, out any) error {
	form := url.Values{"Action": {operation}, "Version": {"2010-05-15"}}
	for name, values := range in {
		form[name] = values
	}
	resp, err := c.send(ctx, "cloudformation", http.MethodPost, "/", map[string]string{"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}, []byte(form.Encode()))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	const maxAnswer = 16 << 20
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil || out == nil {
		return err
	}
	// <DescribeStacksResponse><DescribeStacksResult>…
	d := xml.NewDecoder(strings.NewReader(string(answer)))
	for {
		t, err := d.Token()
		if err != nil {
			return fmt.Errorf("%s: the answer has no result: %w", operation, err)
		}
		if e, ok := t.(xml.StartElement); ok && e.Name.Local == operation+"Result" {
			return d.DecodeElement(out, &e)
		}
	}
}

type stackOutput struct {
	Key         string `xml:"OutputKey"`
	Value       string `xml:"OutputValue"`
	Description string `xml:"Description"`
	Export      string `xml:"ExportName"`
}

type stackTag struct{ Key, Value string }

// stackInfo is what the CLI reads of a stack.
type stackInfo struct {
	ID         string        `xml:"StackId"`
	Name       string        `xml:"StackName"`
	Status     string        `xml:"StackStatus"`
	Reason     string        `xml:"StackStatusReason"`
	Created    time.Time     `xml:"CreationTime"`
	Updated    string        `xml:"LastUpdatedTime"`
	Outputs    []stackOutput `xml:"Outputs>member"`
	Tags       []stackTag    `xml:"Tags>member"`
	Parameters []struct {
		Key string `xml:"ParameterKey"`
	} `xml:"Parameters>member"`
}

func (s *stackInfo) hasParameter(name string) bool {
	for _, p := range s.Parameters {
		if p.Key == name {
			return true
		}
	}
	return false
}

// stack describes a stack by name or id; nil if there is none.
func (c *client) stack(ctx context.Context, nameOrID string) (*stackInfo, error) {
	var out struct {
		Stacks []stackInfo `xml:"Stacks>member"`
	}
	err := c.cloudFormation(ctx, "DescribeStacks", url.Values{"StackName": {nameOrID}}, &out)
	if codeOf(err) == "ValidationError" && strings.Contains(err.Error(), "does not exist") {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if len(out.Stacks) != 1 {
		return nil, fmt.Errorf("the server described %d stacks of the name %s", len(out.Stacks), nameOrID)
	}
	return &out.Stacks[0], nil
}

// mustStack is stack for one that has to be there. What has a dot in it is no
// name but the file of its template, as deploy takes it.
func (c *client) mustStack(ctx context.Context, name string) (*stackInfo, error) {
	if strings.Contains(name, ".") {
		name = stackName(name)
	}
	st, err := c.stack(ctx, name)
	if err == nil && st == nil {
		err = &hintError{fmt.Errorf("there is no stack %s", name), "`rockpool stack list` shows those that there are"}
	}
	return st, err
}

type stackEvent struct {
	ID        string    `xml:"EventId" json:"-"`
	Time      time.Time `xml:"Timestamp"`
	LogicalID string    `xml:"LogicalResourceId"`
	Physical  string    `xml:"PhysicalResourceId"`
	Type      string    `xml:"ResourceType"`
	Status    string    `xml:"ResourceStatus"`
	Reason    string    `xml:"ResourceStatusReason" json:",omitempty"`
}

// events lists the events of a stack after one of them, the oldest first.
func (c *client) events(ctx context.Context, stackID, after string) ([]stackEvent, error) {
	var list []stackEvent
	for token := ""; ; {
		in := url.Values{"StackName": {stackID}}
		if token != "" {
			in.Set("NextToken", token)
		}
		var out struct {
			Events []stackEvent `xml:"StackEvents>member"`
			Next   string       `xml:"NextToken"`
		}
		if err := c.cloudFormation(ctx, "DescribeStackEvents", in, &out); err != nil {
			return nil, err
		}
		for _, e := range out.Events { // the newest is the first
			if e.ID == after {
				out.Next = ""
				break
			}
			list = append([]stackEvent{e}, list...)
		}
		if token = out.Next; token == "" {
			return list, nil
		}
	}
}

// lastEvent is the id of the newest event of a stack.
func (c *client) lastEvent(ctx context.Context, stackID string) (string, error) {
	list, err := c.events(ctx, stackID, "")
	if err != nil || len(list) == 0 {
		return "", err
	}
	return list[len(list)-1].ID, nil
}

// numbered sets a member of a list, or of its nth entry, as the protocol writes
// it: Tags.member.1.Key.
func numbered(form url.Values, list string, n int, member, value string) {
	form.Set(strings.TrimSuffix(list+".member."+strconv.Itoa(n)+"."+member, "."), value)
}

// change is a line of a change set.
type change struct {
	Action      string `xml:"ResourceChange>Action"`
	LogicalID   string `xml:"ResourceChange>LogicalResourceId"`
	Type        string `xml:"ResourceChange>ResourceType"`
	Replacement string `xml:"ResourceChange>Replacement" json:",omitempty"`
	Details     []struct {
		Name     string `xml:"Target>Name"`
		Recreate string `xml:"Target>RequiresRecreation"`
	} `xml:"ResourceChange>Details>member" json:",omitempty"`
}

// loses reports whether what the resource holds is lost, users of a pool say.
func (c change) loses() bool {
	return c.Action == "Remove" || c.Action == "Modify" && c.Replacement != "False"
}

type changeSet struct {
	Name, StackID string
	Status        string `xml:"Status"`
	Reason        string `xml:"StatusReason"`
	Changes       []change
}

// empty reports whether the change set failed because there is nothing to do.
func (s *changeSet) empty() bool {
	return s.Status == "FAILED" && strings.Contains(s.Reason, "didn't contain changes")
}

// changeSet reads a change set once it is made.
func (c *client) changeSet(ctx context.Context, stack, name string) (*changeSet, error) {
	set := &changeSet{Name: name, StackID: stack}
	for token := ""; ; {
		in := url.Values{"StackName": {stack}, "ChangeSetName": {name}}
		if token != "" {
			in.Set("NextToken", token)
		}
		var out struct {
			Status  string   `xml:"Status"`
			Reason  string   `xml:"StatusReason"`
			Changes []change `xml:"Changes>member"`
			Next    string   `xml:"NextToken"`
		}
		if err := c.cloudFormation(ctx, "DescribeChangeSet", in, &out); err != nil {
			return nil, err
		}
		if strings.HasSuffix(out.Status, "_IN_PROGRESS") || strings.HasSuffix(out.Status, "_PENDING") {
			if err := pause(ctx, pollEvery); err != nil {
				return nil, err
			}
			continue
		}
		set.Status, set.Reason = out.Status, out.Reason
		set.Changes = append(set.Changes, out.Changes...)
		if token = out.Next; token == "" {
			return set, nil
		}
	}
}

const pollEvery = 150 * time.Millisecond

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
