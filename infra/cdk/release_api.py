"""The API of API Gateway that runs a release, for callers with IAM's execute-api:Invoke."""

from __future__ import annotations

from typing import Any

from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from parts import Deployed, TrunklineStack

REQUEST: dict[str, Any] = {
    "$schema": "http://json-schema.org/draft-04/schema#",
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "stored_procedure_name": {"type": "string", "minLength": 1, "maxLength": 257},
        "parameters": {"type": "array", "maxItems": 100},
    },
}
"""What the API accepts. Cluster and database are the deployment's, so a caller cannot name others."""


def release_api(stack: TrunklineStack, made: Deployed) -> None:
    """POST /releases, its body checked before the function runs."""
    api = apigateway.CfnRestApi(
        stack,
        "Api",
        name=stack.config.named("trunkline-releases"),
        endpoint_configuration=apigateway.CfnRestApi.EndpointConfigurationProperty(types=["REGIONAL"]),
    )
    method = _method(stack, api, made)
    deployment = apigateway.CfnDeployment(stack, "Deployment", rest_api_id=api.ref)
    deployment.node.add_dependency(method)
    _stage(stack, api, deployment)
    lambda_.CfnPermission(
        stack,
        "ApiPermission",
        action="lambda:InvokeFunction",
        function_name=made.function.ref,
        principal="apigateway.amazonaws.com",
        source_arn=stack.arn("execute-api", f"{api.ref}/prod/POST/releases"),
    )


def _method(stack: TrunklineStack, api: apigateway.CfnRestApi, made: Deployed) -> apigateway.CfnMethod:
    """The method, with what checks a request and the function that answers it."""
    place = apigateway.CfnResource(
        stack, "ReleasesResource", rest_api_id=api.ref, parent_id=api.attr_root_resource_id, path_part="releases"
    )
    model = apigateway.CfnModel(
        stack, "ReleaseModel", rest_api_id=api.ref, name="Release", content_type="application/json", schema=REQUEST
    )
    validator = apigateway.CfnRequestValidator(
        stack,
        "Validator",
        rest_api_id=api.ref,
        name="body",
        validate_request_body=True,
        validate_request_parameters=True,
    )
    uri = stack.arn("apigateway", f"lambda:path/2015-03-31/functions/{made.function.attr_arn}/invocations", account="")
    return apigateway.CfnMethod(
        stack,
        "ReleasesMethod",
        rest_api_id=api.ref,
        resource_id=place.ref,
        http_method="POST",
        authorization_type="AWS_IAM",
        request_validator_id=validator.ref,
        request_models={"application/json": model.ref},
        integration=apigateway.CfnMethod.IntegrationProperty(
            type="AWS_PROXY", integration_http_method="POST", uri=uri.replace("::lambda", ":lambda")
        ),
    )


def _stage(stack: TrunklineStack, api: apigateway.CfnRestApi, deployment: apigateway.CfnDeployment) -> None:
    """The stage `prod`: one request a second, each logged."""
    log = logs.CfnLogGroup(
        stack,
        "ApiLog",
        log_group_name=f"/aws/apigateway/{stack.config.named('trunkline-releases')}",
        retention_in_days=stack.config.installation.log_retention_days,
    )
    logged = (
        '{"id":"$context.requestId","time":"$context.requestTime","status":"$context.status",'
        '"caller":"$context.identity.userArn"}'
    )
    apigateway.CfnStage(
        stack,
        "Stage",
        rest_api_id=api.ref,
        deployment_id=deployment.ref,
        stage_name="prod",
        tracing_enabled=stack.config.installation.xray,
        access_log_setting=apigateway.CfnStage.AccessLogSettingProperty(destination_arn=log.attr_arn, format=logged),
        method_settings=[
            apigateway.CfnStage.MethodSettingProperty(
                http_method="*",
                resource_path="/*",
                logging_level="ERROR",
                throttling_burst_limit=2,
                throttling_rate_limit=1,
                metrics_enabled=True,
            )
        ],
    )
