package cfn_test

import "testing"

// A resource whose condition does not hold is not there: DependsOn passes over
// it, and who refers to it is refused before anything is made.
func TestAResourceThatIsNotThere(t *testing.T) {
	const text = "Conditions: {No: !Equals [a, b]}\nResources:\n  X: {Type: AWS::Cognito::UserPool, Condition: No}\n  Y: {Type: AWS::Cognito::UserPool, DependsOn: X, Properties: {UserPoolName: "
	w := newWorld(t)
	for _, name := range []string{"!Ref X", "!GetAtt X.Arn", `!Sub "${X}"`, `!Join ["", [!Ref X]]`, "!If [No, a, !Ref X]"} {
		err := w.do("cloudformation", "CreateStack", object{"StackName": "s", "TemplateBody": text + name + "}}"}, nil)
		wantError(t, err, "ValidationError", "Unresolved resource dependencies [X] in the Resources block of the template")
	}
	err := w.do("cloudformation", "CreateStack", object{"StackName": "s", "TemplateBody": text + "y}}\nOutputs: {O: {Value: !Ref X}}"}, nil)
	wantError(t, err, "ValidationError", "Unresolved resource dependencies [X]")
	if got := w.inventory(); got != "{}" {
		t.Errorf("something was made: %s", got)
	}
	w.want(w.create("s", text+"!If [No, !Ref X, y]}}\nOutputs: {O: {Condition: No, Value: !Ref X}}", nil), "CREATE_COMPLETE")
}
