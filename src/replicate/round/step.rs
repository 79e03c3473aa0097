//! The steps of a job, in their order, and who is told about them.
//!
//! The names in the first column of the original's hook points (reference, section 6.2) are steps
//! of this one sequence: whoever watches a job is called at each, and that is where hooks run,
//! titles change, heartbeats are sent and a request to stop is heard.

use crate::error::Result;
use crate::pg::{Connection, Relation};

/// Where a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// Hook: in the controller, before jobs are queued.
    BeforeSync,
    /// Hook: the job is claimed, no transaction is open.
    BeforeTxn,
    /// Hook: the source's transaction is open, nothing has been looked at.
    BeforeCheckRows,
    /// What is pending is known.
    Looked,
    /// Hook: there are changes, and nothing is written yet.
    BeforeTriggerDrop,
    /// Hook: triggers and rules of the target are off.
    AfterTriggerDrop,
    /// Winners among several masters' changes of one table are chosen.
    Met,
    /// One table's rows are on their way into the stage.
    Ship,
    /// One table's rows are written from the stage.
    Apply,
    /// Hook: one table is done.
    AfterTableSync,
    /// Hook: rows of two masters meet.
    Conflict,
    /// Hook: the server refused a table's rows.
    Exception,
    /// Hook: all rows are written, and the receipt with them.
    BeforeTriggerEnable,
    /// Hook: just before the target commits.
    AfterTriggerEnable,
    /// The sources have committed, and no receiver yet.
    SourcesCommitted,
    /// One of several sessions that copied tables to a receiver has committed.
    HandCommitted,
    /// One receiver has committed.
    ReceiverCommitted,
    /// All receivers have committed.
    Committed,
    /// Hook: everything is committed and noted.
    AfterTxn,
    /// Hook: in the controller, after all targets are done.
    AfterSync,
}

impl Step {
    /// The hook point of this step, as `customcode.whenrun` names it.
    pub fn hook(self) -> Option<&'static str> {
        Some(match self {
            Step::BeforeSync => "before_sync",
            Step::BeforeTxn => "before_txn",
            Step::BeforeCheckRows => "before_check_rows",
            Step::BeforeTriggerDrop => "before_trigger_drop",
            Step::AfterTriggerDrop => "after_trigger_drop",
            Step::AfterTableSync => "after_table_sync",
            Step::Conflict => "conflict",
            Step::Exception => "exception",
            Step::BeforeTriggerEnable => "before_trigger_enable",
            Step::AfterTriggerEnable => "after_trigger_enable",
            Step::AfterTxn => "after_txn",
            Step::AfterSync => "after_sync",
            Step::Looked
            | Step::Met
            | Step::Ship
            | Step::Apply
            | Step::SourcesCommitted
            | Step::HandCommitted
            | Step::ReceiverCommitted
            | Step::Committed => return None,
        })
    }

    /// What the process title says at this step; none where it would pass too quickly to be read.
    pub fn title(self) -> Option<&'static str> {
        match self {
            Step::BeforeCheckRows => Some("look"),
            Step::BeforeTriggerDrop => Some("lock"),
            Step::Ship => Some("copy"),
            Step::Apply => Some("apply"),
            Step::AfterTriggerEnable => Some("commit"),
            _ => None,
        }
    }
}

/// Someone who follows a job step by step. An error returned from any call ends the job, and
/// everything uncommitted is rolled back.
pub trait Watcher: Send {
    /// The job reached a step; `table` for those that concern one.
    fn at(&mut self, step: Step, table: Option<&Relation>) -> Result<()>;

    /// Called often while rows are on their way, with the number of those that have moved since.
    fn moved(&mut self, rows: u64) -> Result<()>;

    /// About so many rows will move in the present step.
    fn expects(&mut self, rows: u64);

    /// The control database, for what has to be recorded there.
    fn control(&mut self) -> Option<&mut Connection>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_twelve_hook_points_of_the_original_are_steps() {
        use Step::*;
        let all = [
            BeforeSync,
            BeforeTxn,
            BeforeCheckRows,
            Looked,
            Met,
            BeforeTriggerDrop,
            AfterTriggerDrop,
            Ship,
            Apply,
            AfterTableSync,
            Conflict,
            Exception,
            BeforeTriggerEnable,
            AfterTriggerEnable,
            SourcesCommitted,
            HandCommitted,
            ReceiverCommitted,
            Committed,
            AfterTxn,
            AfterSync,
        ];
        let hooks: std::collections::BTreeSet<_> = all.into_iter().filter_map(Step::hook).collect();
        assert_eq!(hooks.len(), 12);
    }
}
