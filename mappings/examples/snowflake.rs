//! Writes what Snowflake is told of an agreement: the view of each dataset, and each template's canonical text beside its text for
//! both rooms, or why there is none. `snowflake AGREEMENT OUT.json`: what judges from outside read. Knows the public API alone.

use mappings::agreement::read;
use mappings::guard::guard;
use mappings::snowflake::{Room, SnowflakeText, snowflake, view};
use mappings::unsaid::Unsaid;
use serde_json::{Value, json};
use std::error::Error;
use std::{env, fs};

fn said(text: Result<SnowflakeText, Unsaid>) -> Value {
    text.map_or_else(
        |why| json!({ "unsaid": why.message, "change": why.change }),
        |text| json!({ "sql": text.sql, "binds": text.binds }),
    )
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let (Some(from), Some(to)) = (arguments.next(), arguments.next()) else {
        return Err("snowflake AGREEMENT OUT.json".into());
    };
    let agreement = read(&fs::read_to_string(from)?).map_err(|wrong| format!("{wrong:?}"))?;
    let views = agreement.datasets.iter().map(|(name, dataset)| {
        let query = view(name, dataset, &["physical", name.as_str()]);
        let query =
            query.map_or_else(|why| json!({ "unsaid": why.message }), |sql| json!({ "sql": sql }));
        (name.to_string(), query)
    });
    let views: serde_json::Map<_, _> = views.collect();
    let templates = agreement.templates.keys().map(|name| {
        let text = match guard(&agreement, name) {
            Ok(guarded) => json!({
                "canonical": guarded.datafusion,
                "shares": said(snowflake(&agreement, &guarded, Room::Shares)),
                "collaboration": said(snowflake(&agreement, &guarded, Room::Collaboration)),
            }),
            Err(refusals) => {
                json!({ "refused": refusals.iter().map(ToString::to_string).collect::<Vec<_>>() })
            }
        };
        (name.to_string(), text)
    });
    let templates: serde_json::Map<_, _> = templates.collect();
    fs::write(to, serde_json::to_vec_pretty(&json!({ "views": views, "templates": templates }))?)?;
    Ok(())
}
