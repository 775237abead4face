package cfn_test

import (
	"bytes"
	"testing"

	"github.com/rockpoolhq/rockpool/internal/store"
)

// What the database keeps of stacks can be read with the key only: properties,
// parameters and outputs may be secrets.
func TestSec_DB_1_StacksAreSealed(t *testing.T) {
	w := newWorld(t)
	text := "Parameters: {P: {Type: String, NoEcho: true}}\nResources: {A: {Type: AWS::Cognito::UserPool, Properties: {UserPoolName: !Ref P}}}\n" +
		"Outputs: {O: {Value: !Ref P, Export: {Name: exported}}}"
	parameters := object{"Parameters": []object{{"ParameterKey": "P", "ParameterValue": "canary-secret"}}}
	d := w.want(w.create("s", text, parameters), "CREATE_COMPLETE")
	w.must("cloudformation", "CreateChangeSet", object{"StackName": "s", "ChangeSetName": "c", "TemplateBody": text,
		"Parameters": []object{{"ParameterKey": "P", "ParameterValue": "canary-two"}}}, nil)
	for kind, scope := range map[string]string{"stack": region, "stack event": d.StackId, "change set": d.StackId, "stack export": region} {
		err := w.db.View(t.Context(), func(tx store.Tx) error {
			docs, _, err := tx.ListDocuments(kind, scope, store.Page{Limit: store.MaxPage})
			if len(docs) == 0 {
				t.Errorf("there is no document of the kind %q", kind)
			}
			for _, doc := range docs {
				if bytes.Contains(doc.Data, []byte("canary")) || bytes.Contains(doc.Data, []byte("AWS::")) {
					t.Errorf("%s %s can be read: %q", kind, doc.Name, doc.Data)
				}
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
}
