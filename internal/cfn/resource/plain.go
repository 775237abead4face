package resource

import "context"

// Types that are a name and nothing more here.
func init() {
	named := func(name, notation string) *Type {
		same := func(_ context.Context, r Request) (Result, error) {
			return Result{PhysicalID: orElse(r.PhysicalID, r.name(128))}, nil
		}
		return &Type{Name: name, schema: parseSchema(notation), create: same, update: same}
	}
	register(
		// What the CDK puts into every stack to count its own users.
		named("AWS::CDK::Metadata", "Analytics"),
		named("AWS::CloudFormation::WaitConditionHandle", ""),
	)
}
