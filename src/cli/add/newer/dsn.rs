//! `dsn=`: all parameters of a connection in one word, as the Perl driver takes them:
//! `dbi:Pg:dbname=a;host=h;port=5432`.

use crate::cli::add::db::KEYS;
use crate::cli::pairs::Pairs;

/// The pairs with what `dsn=` says besides. What has no key of its own goes to the connection
/// parameters; a key given by itself wins.
pub fn spread(mut pairs: Pairs) -> Pairs {
    let Some(dsn) = pairs.get("dsn").map(str::to_owned) else { return pairs };
    let mut rest = Vec::new();
    for part in parameters(&dsn).filter(|part| !part.trim().is_empty()) {
        match part.split_once('=').and_then(|(name, value)| Some((column(name.trim())?, value.trim()))) {
            Some((column, value)) => pairs = pairs.or(KEYS, column, Some(value.to_owned())),
            None => rest.push(part.trim().to_owned()),
        }
    }
    let rest = Some(rest.join(" ")).filter(|rest| !rest.is_empty());
    pairs.or(KEYS, "dbconn", rest)
}

/// What stands between the semicolons, without the name of the driver.
fn parameters(dsn: &str) -> impl Iterator<Item = &str> {
    let driver = dsn.get(..7).filter(|start| start.eq_ignore_ascii_case("dbi:pg:"));
    dsn[driver.map_or(0, str::len)..].split(';')
}

fn column(name: &str) -> Option<&'static str> {
    Some(match name.to_lowercase().as_str() {
        "dbname" | "db" | "database" => "dbname",
        "host" => "dbhost",
        "port" => "dbport",
        "user" => "dbuser",
        "password" => "dbpass",
        "service" => "dbservice",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_driver_s_name_is_no_parameter() {
        assert_eq!(parameters("DBI:Pg:dbname=a;host=h").collect::<Vec<_>>(), ["dbname=a", "host=h"]);
        assert_eq!(parameters("dbname=a").collect::<Vec<_>>(), ["dbname=a"]);
        assert_eq!((column("HOST"), column("sslmode")), (Some("dbhost"), None));
    }
}
