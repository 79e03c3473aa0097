//! What is said to the servers, shown on standard error to whoever asks for it with `--debug`.
//! Never a password.

use postgres::Statement;
use postgres::types::ToSql;
use std::sync::atomic::{AtomicBool, Ordering};

static ON: AtomicBool = AtomicBool::new(false);

/// From now on, all is shown.
pub fn on() {
    ON.store(true, Ordering::Relaxed);
}

/// What is sent as a statement.
pub trait Text {
    /// As it is shown.
    fn text(&self) -> &str;
}

impl Text for str {
    fn text(&self) -> &str {
        self
    }
}

impl Text for String {
    fn text(&self) -> &str {
        self
    }
}

impl Text for Statement {
    fn text(&self) -> &str {
        "(a statement prepared before)"
    }
}

/// Shows a statement and its values.
pub fn sent(sql: &str, values: &[&(dyn ToSql + Sync)]) {
    if ON.load(Ordering::Relaxed) {
        crate::warn_user!("DEBUG: {}", shown(sql, &format!("{values:?}")));
    }
}

/// Where anything is about a password, only the beginning is shown.
fn shown(sql: &str, values: &str) -> String {
    let line = sql.split_whitespace().collect::<Vec<_>>().join(" ");
    let secret = |text: &str| text.to_lowercase().contains("pass");
    match (secret(&line), secret(values)) {
        (true, _) => format!("{} ... (not shown: it is about passwords)", line.split(' ').take(3).collect::<Vec<_>>().join(" ")),
        (false, true) => format!("{line} (values not shown: one is about passwords)"),
        (false, false) if values == "[]" => line,
        (false, false) => format!("{line} {values}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        assert_eq!(shown("select\n  $1", "[\"a\"]"), "select $1 [\"a\"]");
        assert_eq!(shown("select 1", "[]"), "select 1");
        for (sql, values) in
            [("alter role x password 'hush'", "[]"), ("update db set dbpass = $1", "[\"hush\"]"), ("x", "[\"Password=hush\"]")]
        {
            assert!(!shown(sql, values).contains("hush"), "{sql}");
        }
    }
}
