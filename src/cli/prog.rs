//! Who was called: the program's name as it appears in texts, and which of the two dialects it
//! speaks.

/// The dialect, told by the name the program was called by. Where the two contradict each other,
/// each keeps its own ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Personality {
    /// `bucardo_ctl` of Bucardo 4.5, also for every other name.
    BucardoCtl4,
    /// `bucardo` of Bucardo 5.6.
    Bucardo5,
}

impl Personality {
    /// The dialect that belongs to `invoked`, the path the program was started by.
    pub fn of(invoked: &str) -> Personality {
        match invoked.rsplit('/').next() {
            Some("bucardo") => Personality::Bucardo5,
            _ => Personality::BucardoCtl4,
        }
    }

    /// The version that `--version` names: the level of compatibility, which scripts compare.
    pub fn version(self) -> &'static str {
        match self {
            Personality::BucardoCtl4 => "4.5.0",
            Personality::Bucardo5 => "5.6.0",
        }
    }
}

/// The name printed in texts: the path as invoked, or only its last part if its directory is an
/// element of `path`, as it is when the shell found the program there (reference, 1.8).
pub fn name(invoked: &str, path: &str) -> String {
    match invoked.rsplit_once('/') {
        Some((dir, name)) if path.split(':').any(|element| element == dir) => name.to_owned(),
        _ => invoked.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directory_is_left_out_only_when_the_shell_searches_it() {
        assert_eq!(name("/usr/bin/bucardo_ctl", "/bin:/usr/bin"), "bucardo_ctl");
        assert_eq!(name("./bucardo_ctl", "/bin:/usr/bin"), "./bucardo_ctl");
        assert_eq!(name("bucardo_ctl", "/bin"), "bucardo_ctl");
    }

    #[test]
    fn only_the_exact_name_bucardo_speaks_the_newer_dialect() {
        assert_eq!(Personality::of("/usr/bin/bucardo"), Personality::Bucardo5);
        assert_eq!(Personality::of("bucardo_ctl"), Personality::BucardoCtl4);
        assert_eq!(Personality::of("/opt/bucardo/ctl"), Personality::BucardoCtl4);
    }
}
