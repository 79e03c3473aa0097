//! The settings in `bucardo_config` (reference, section 2): texts, some of which are numbers. A row
//! for one sync overrides the general one.

use crate::control::setting_table::{self, default};
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

    /// A setting that is a number; its default where it is missing or no number.
    pub fn number(&self, name: &str) -> f64 {
        let stored = self.0.get(name).and_then(|text| number(text));
        stored.or_else(|| number(default(name))).unwrap_or_default()
    }

    /// A setting that is a time in seconds.
    pub fn seconds(&self, name: &str) -> Duration {
        Duration::from_secs_f64(self.number(name).min(1e9))
    }

    /// A setting that is on or off.
    pub fn flag(&self, name: &str) -> bool {
        let word = self.0.get(name).and_then(|text| setting_table::flag(text));
        word.unwrap_or_else(|| self.number(name) != 0.0)
    }
}

/// A number as settings have them.
pub fn number(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|number: &f64| number.is_finite() && *number >= 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_that_makes_no_sense_counts_as_its_default() {
        let stored = [("delta_retention", "-1"), ("copy_jobs", "x"), ("kid_pingtime", "0.5"), ("log_showpid", "on")];
        let settings = Settings(stored.map(|(k, v)| (k.to_owned(), v.to_owned())).into());
        assert_eq!(settings.number("delta_retention"), 600.0);
        assert_eq!(settings.number("copy_jobs"), 4.0);
        assert_eq!(settings.seconds("kid_pingtime"), Duration::from_millis(500));
        assert_eq!(settings.number("batch_changes"), 100_000.0);
        assert!(settings.flag("log_showpid") && !settings.flag("log_showlevel"));
    }
}
