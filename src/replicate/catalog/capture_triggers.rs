//! The names of the triggers that capture a table.

use crate::pg::{Ident, Schema};
use crate::replicate::catalog::shape::Shape;

/// The row trigger, by its original name, which the first installation on a database uses
/// ([`Schema::trigger`]).
pub const ROW_TRIGGER: &str = "bucardo_add_delta";
/// The TRUNCATE trigger.
pub const TRUNCATE_TRIGGER: &str = "bucardo_add_truncate";

/// The names of the triggers that capture a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaptureTriggers {
    /// The one for rows.
    pub rows: Ident,
    /// The one for TRUNCATE.
    pub truncates: Ident,
}

impl CaptureTriggers {
    /// A partitioned table passes its row trigger down to its partitions, also to those that are
    /// attached later, and ATTACH PARTITION fails where one of that name is there already. A
    /// partition may be captured by itself, too. So the triggers of a partitioned table are named
    /// after it ([`as_sql`] says the same).
    pub fn of(schema: Schema, table: &Shape) -> CaptureTriggers {
        let suffix = if table.partitioned { format!("_p{}", table.oid) } else { String::new() };
        let [rows, truncates] = [ROW_TRIGGER, TRUNCATE_TRIGGER].map(|plain| Ident::new(schema.trigger(plain) + &suffix));
        CaptureTriggers { rows, truncates }
    }
}

/// The names of the triggers that capture the table `c`, as a list in SQL.
pub fn as_sql(schema: Schema) -> String {
    let name = |plain: &str| format!("'{}' || case c.relkind when 'p' then '_p' || c.oid else '' end", schema.trigger(plain));
    [ROW_TRIGGER, TRUNCATE_TRIGGER].map(name).join(", ")
}
