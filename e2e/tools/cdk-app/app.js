// The article's stack as a CDK app: a pool whose tokens say tenant and
// department, by a function that is bundled with esbuild.
const path = require('node:path');
const cdk = require('aws-cdk-lib');
const cognito = require('aws-cdk-lib/aws-cognito');
const lambda = require('aws-cdk-lib/aws-lambda');
const { NodejsFunction } = require('aws-cdk-lib/aws-lambda-nodejs');

class People extends cdk.Stack {
  constructor(scope, id, props) {
    super(scope, id, props);
    const pool = new cognito.UserPool(this, 'Pool', {
      signInAliases: { email: true },
      autoVerify: { email: true },
      featurePlan: cognito.FeaturePlan.ESSENTIALS,
      passwordPolicy: { minLength: 10, requireSymbols: false },
      customAttributes: {
        tenantId: new cognito.StringAttribute({ mutable: true }),
        department: new cognito.StringAttribute({ mutable: true }),
      },
      removalPolicy: cdk.RemovalPolicy.DESTROY,
    });
    // The app may read what decides who sees what, and not write it.
    const client = pool.addClient('App', {
      authFlows: { userPassword: true, userSrp: true, adminUserPassword: true },
      disableOAuth: true,
      preventUserExistenceErrors: true,
      readAttributes: new cognito.ClientAttributes().withStandardAttributes({ email: true }).withCustomAttributes('tenantId', 'department'),
      writeAttributes: new cognito.ClientAttributes().withStandardAttributes({ email: true }),
    });
    const claims = new NodejsFunction(this, 'Claims', {
      entry: path.join(__dirname, 'claims', 'index.js'),
      depsLockFilePath: path.join(__dirname, '..', 'package-lock.json'),
      projectRoot: path.join(__dirname, '..'),
      runtime: lambda.Runtime.NODEJS_22_X,
      environment: { CLAIM: this.node.tryGetContext('claim') ?? 'departmentId' },
    });
    pool.addTrigger(cognito.UserPoolOperation.PRE_TOKEN_GENERATION_CONFIG, claims, cognito.LambdaVersion.V2_0);
    new cognito.CfnUserPoolGroup(this, 'Staff', { userPoolId: pool.userPoolId, groupName: 'staff', precedence: 10 });
    new cdk.CfnOutput(this, 'UserPoolId', { value: pool.userPoolId });
    new cdk.CfnOutput(this, 'ClientId', { value: client.userPoolClientId });
  }
}

new People(new cdk.App(), 'People');
