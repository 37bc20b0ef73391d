//! The OpenAPI document, made from what each endpoint says of itself: it cannot miss a route.

use std::collections::BTreeMap;

use skill_schema::problem;
use utoipa::openapi::{
    ComponentsBuilder, Content, ContentBuilder, Info, OpenApi, OpenApiBuilder, Paths, Ref, RefOr, Required,
    ResponseBuilder, Schema,
    path::{Operation, OperationBuilder, ParameterBuilder, ParameterIn},
    request_body::{RequestBody, RequestBodyBuilder},
    schema::{ObjectBuilder, Type},
    security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
};

use crate::routes::{self, Access, Answer, Endpoint, Request};

/// Name of the security scheme.
const TOKEN: &str = "token";
/// The bodies, as JSON Schema.
const SCHEMAS: &str = include_str!("openapi/schemas.json");

/// The document.
pub fn document() -> OpenApi {
    let mut paths = Paths::new();
    for endpoint in routes::endpoints() {
        let operation = operation(&endpoint);
        paths.add_path_operation(endpoint.path, vec![endpoint.method], operation);
    }
    // The file is part of the program, and a test reads it.
    let schemas: BTreeMap<String, RefOr<Schema>> = serde_json::from_str(SCHEMAS).unwrap_or_default();
    let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("skl_…").build();
    let components = ComponentsBuilder::new()
        .schemas_from_iter(schemas)
        .security_scheme(TOKEN, SecurityScheme::Http(scheme))
        .build();
    OpenApiBuilder::new()
        .info(Info::new("Skill registry", env!("CARGO_PKG_VERSION")))
        .paths(paths)
        .components(Some(components))
        .build()
}

fn operation(endpoint: &Endpoint) -> Operation {
    let mut operation = OperationBuilder::new()
        .operation_id(Some(endpoint.id))
        .summary(Some(endpoint.summary))
        .description(Some(access(endpoint.access)))
        .request_body(request(endpoint.request));
    for name in endpoint.path.split('{').skip(1).filter_map(|rest| rest.split('}').next()) {
        operation = operation.parameter(
            ParameterBuilder::new()
                .name(name)
                .parameter_in(ParameterIn::Path)
                .required(Required::True)
                .schema(Some(text())),
        );
    }
    for (name, description) in endpoint.query {
        operation = operation.parameter(
            ParameterBuilder::new()
                .name(*name)
                .parameter_in(ParameterIn::Query)
                .required(Required::False)
                .description(Some(*description))
                .schema(Some(text())),
        );
    }
    for (status, description, answer) in endpoint.answers {
        let response = ResponseBuilder::new().description(*description);
        let response = match answer {
            Answer::Nothing => response,
            Answer::Json(name) => response.content("application/json", named(name)),
            Answer::Bytes(media) => response.content(*media, Content::new(Some(text()))),
        };
        operation = operation.response(status.to_string(), response.build());
    }
    let problem = ResponseBuilder::new().description("a problem").content(problem::MEDIA_TYPE, named("Problem"));
    let operation = operation.response("default", problem.build());
    match endpoint.access {
        Access::Anybody => operation.build(),
        Access::Readers => operation
            .security(SecurityRequirement::default())
            .security(SecurityRequirement::new(TOKEN, [""; 0]))
            .build(),
        Access::AnyToken | Access::Permission(_) => {
            operation.security(SecurityRequirement::new(TOKEN, [""; 0])).build()
        }
    }
}

fn access(access: Access) -> String {
    match access {
        Access::Anybody => "For everybody.".to_owned(),
        Access::Readers => "For everybody, or with `read:private` where reading needs a token.".to_owned(),
        Access::AnyToken => "Needs a valid token.".to_owned(),
        Access::Permission(name) => format!("Needs a token with {name} whose pattern covers what it is about."),
    }
}

fn request(request: Request) -> Option<RequestBody> {
    let body = RequestBodyBuilder::new().required(Some(Required::True));
    match request {
        Request::Nothing => None,
        Request::Json(name) => Some(body.content("application/json", named(name)).build()),
        Request::Statement => Some(body.content("application/json", named("Envelope")).build()),
        Request::Form => Some(body.content("multipart/form-data", named("PublishForm")).build()),
    }
}

fn text() -> Schema {
    Schema::Object(ObjectBuilder::new().schema_type(Type::String).build())
}

fn named(name: &str) -> Content {
    ContentBuilder::new().schema(Some(RefOr::Ref(Ref::from_schema_name(name)))).build()
}
