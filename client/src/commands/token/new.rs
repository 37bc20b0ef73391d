//! `skill token new`.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde::Serialize;
use skill_schema::{
    api::token::{Created, DEFAULT_DAYS, MAX_DAYS, Permission, Request},
    codes::escape,
};

use crate::context::Context;

/// Make an API token, and print it once.
///
/// It can allow at most what your own token allows. The registry keeps only its digest: nobody can show it again.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill token new ci --permission publish:update --pattern acme/notes --days 30
  skill token new laptop --permission publish:new,publish:update,yank,owners > token.txt")]
pub struct Args {
    /// What it is for, so that you know it again.
    #[arg(value_name = "NAME")]
    name: String,
    /// What it allows; can be repeated.
    #[arg(long, visible_alias = "scope", required = true, value_delimiter = ',', value_parser = permissions())]
    permission: Vec<Permission>,
    /// Which skills: *, SCOPE/* or SCOPE/NAME.
    #[arg(long, value_name = "PATTERN", default_value = "*")]
    pattern: String,
    /// Days until it expires.
    #[arg(long, visible_alias = "expires", value_name = "N", default_value_t = DEFAULT_DAYS, value_parser = clap::value_parser!(u64).range(1..=MAX_DAYS))]
    days: u64,
    /// Show what would be asked for.
    #[arg(long)]
    dry_run: bool,
}

fn permissions() -> impl TypedValueParser<Value = Permission> {
    PossibleValuesParser::new(Permission::ALL.map(Permission::as_str))
        .try_map(|text| Permission::parse(&text).ok_or("not a permission"))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Planned<'a> {
    #[serde(flatten)]
    request: &'a Request,
    dry_run: bool,
}

/// Makes the token.
pub(super) async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let mut permissions = args.permission;
    permissions.sort();
    permissions.dedup();
    let request = Request { name: args.name, permissions, pattern: args.pattern, days: args.days };
    if args.dry_run {
        let planned = Planned { request: &request, dry_run: true };
        context.output.result_or("skill.token.new/1", &planned, |out| out.status("Would make", describe(&request)));
        return Ok(());
    }
    let registry = context.default_registry()?;
    let created: Created = context.api(&registry)?.create_token(&request).await?;
    context.output.result_or("skill.token.new/1", &created, |out| {
        out.status("Made", describe(&request));
        out.status("Expires", created.info.expires);
        out.data(escape(&created.token));
        out.warn("the token is shown only this once; keep it where nobody else reads it");
        out.hint(format!("skill token revoke {}   to end it", escape(&created.info.id)));
    });
    Ok(())
}

fn describe(request: &Request) -> String {
    let permissions: Vec<&str> = request.permissions.iter().map(|permission| permission.as_str()).collect();
    format!("token {}: {} on {}, {} days", request.name, permissions.join(", "), request.pattern, request.days)
}
