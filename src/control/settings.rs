//! The settings in `bucardo_config` (reference, section 2): texts, some of which are numbers. A row for one sync overrides the general one.

use crate::error::{Error, Kind, Result};
use crate::pg::Connection;
use std::collections::HashMap;
use std::time::Duration;

/// All settings, as read at one moment.
#[derive(Debug, Clone, Default)]
pub struct Settings(HashMap<String, String>);

impl Settings {
    /// Reads the general settings.
    pub fn load(control: &mut Connection) -> Result<Settings> {
        let rows = control.query("select setting, value from bucardo.bucardo_config where name is null", &[])?;
        Ok(Settings(rows.iter().map(|row| (row.get(0), row.get(1))).collect()))
    }

    /// Reads the settings as they are for one sync.
    pub fn load_for(control: &mut Connection, sync: &str) -> Result<Settings> {
        let mut settings = Settings::load(control)?;
        let sql = "select setting, value from bucardo.bucardo_config where type = 'sync' and name = $1";
        settings.0.extend(control.query(sql, &[&sync])?.iter().map(|row| (row.get(0), row.get(1))));
        Ok(settings)
    }

    /// A setting's text; a missing one is [`Kind::Refused`].
    pub fn text(&self, name: &str) -> Result<&str> {
        let found = self.0.get(name).map(String::as_str);
        found.ok_or_else(|| Error::new(Kind::Refused, format!("Invalid bucardo_config setting: {name}")))
    }

    /// A setting that is a number, or `default` where it is missing or no number.
    pub fn number(&self, name: &str, default: f64) -> f64 {
        self.0.get(name).and_then(|text| text.trim().parse().ok()).filter(|n: &f64| n.is_finite() && *n >= 0.0).unwrap_or(default)
    }

    /// A setting that is a time in seconds.
    pub fn seconds(&self, name: &str, default: f64) -> Duration {
        Duration::from_secs_f64(self.number(name, default).min(1e9))
    }

    /// A setting that is on or off.
    pub fn flag(&self, name: &str) -> bool {
        self.number(name, 0.0) != 0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_that_makes_no_sense_counts_as_its_default() {
        let settings = Settings([("a", "-1"), ("b", "x"), ("c", "0.5")].map(|(k, v)| (k.to_owned(), v.to_owned())).into());
        assert_eq!(settings.number("a", 7.0), 7.0);
        assert_eq!(settings.number("b", 7.0), 7.0);
        assert_eq!(settings.seconds("c", 7.0), Duration::from_millis(500));
        assert_eq!(settings.number("none", 7.0), 7.0);
    }
}
