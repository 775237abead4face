package cfnapi

//go:generate go run ../awsapi/gen -model model/cloudformation.json -operations model/built.txt -package cfnapi
