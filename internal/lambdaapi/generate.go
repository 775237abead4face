package lambdaapi

//go:generate go run ../awsapi/gen -model model/lambda.json -operations model/built.txt -package lambdaapi
