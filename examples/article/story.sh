#!/usr/bin/env bash
# The article's story with the AWS CLI, against a running `rockpool dev`.
# Needs: aws, zip. Prints the ID token before and after the trigger.
set -euo pipefail
cd "$(dirname "$0")"

export AWS_ENDPOINT_URL=${AWS_ENDPOINT_URL:-http://localhost:7665}
export AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1
export AWS_ACCESS_KEY_ID=${AWS_ACCESS_KEY_ID:-dev} AWS_SECRET_ACCESS_KEY=${AWS_SECRET_ACCESS_KEY:-dev}
# Older CLIs do not know AWS_ENDPOINT_URL, so it is given by option as well.
aws() { command "${AWS_CLI:-aws}" --endpoint-url "$AWS_ENDPOINT_URL" --output text "$@"; }

pool=$(aws cognito-idp create-user-pool --pool-name article --query UserPool.Id --schema \
  Name=tenantId,AttributeDataType=String,Mutable=true Name=department,AttributeDataType=String,Mutable=true)
# The client may read both attributes but write neither: a tenant is not for
# the user to choose.
client=$(aws cognito-idp create-user-pool-client --user-pool-id "$pool" --client-name web \
  --explicit-auth-flows ALLOW_USER_PASSWORD_AUTH ALLOW_REFRESH_TOKEN_AUTH \
  --read-attributes email custom:tenantId custom:department --write-attributes email \
  --query UserPoolClient.ClientId)
aws cognito-idp admin-create-user --user-pool-id "$pool" --username jane --message-action SUPPRESS \
  --user-attributes Name=email,Value=jane@example.com Name=email_verified,Value=true \
    Name=custom:tenantId,Value=acme Name=custom:department,Value=42 >/dev/null
aws cognito-idp admin-set-user-password --user-pool-id "$pool" --username jane --password 'Correct-Horse-9' --permanent

sign_in() {
  aws cognito-idp initiate-auth --client-id "$client" --auth-flow USER_PASSWORD_AUTH \
    --auth-parameters USERNAME=jane,PASSWORD=Correct-Horse-9 --query AuthenticationResult.IdToken
}
echo "before: $(sign_in)"

zip=$(mktemp -d)/pretoken.zip
(cd pretoken && zip -q "$zip" index.mjs)
function=$(aws lambda create-function --function-name pretoken --runtime nodejs20.x --handler index.handler \
  --role arn:aws:iam::000000000000:role/lambda --zip-file "fileb://$zip" --query FunctionArn)
aws lambda add-permission --function-name pretoken --statement-id cognito --action lambda:InvokeFunction \
  --principal cognito-idp.amazonaws.com --source-arn "arn:aws:cognito-idp:us-east-1:000000000000:userpool/$pool" >/dev/null
aws cognito-idp update-user-pool --user-pool-id "$pool" --lambda-config "PreTokenGeneration=$function"

echo "after: $(sign_in)"
