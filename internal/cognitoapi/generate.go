package cognitoapi

//go:generate go run ../awsapi/gen -model model/cognito-idp.json -operations model/built.txt -package cognitoapi
