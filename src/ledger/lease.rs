//! Who makes the calls of a comparison. A call that has begun and not ended
//! is either lost with its process or still under way in it: only where every
//! process is gone may it be made again.

use rusqlite::{OptionalExtension as _, TransactionBehavior, params};
use serde_json::{Value, json};
use ulid::Ulid;

use super::Ledger;
use super::error::{Action, LedgerError};
use super::owner::Owner;

/// What the plan of a comparison that this process begins says under `owners`.
pub fn this_process() -> Value {
    json!([to_json(&Owner::current())])
}

impl Ledger {
    /// Puts this process among those that make calls of a comparison, and tells
    /// the numbers of the others that still do. Where there are any and it wants
    /// to be `alone`, it is not put there.
    ///
    /// # Errors
    /// As [`Ledger::append`].
    pub fn join(&mut self, comparison: Ulid, alone: bool) -> Result<Vec<u32>, LedgerError> {
        let Self { connection, path, .. } = self;
        let mut write = || {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let id = comparison.to_string();
            let sql = "SELECT json_extract(plan, '$.owners') FROM comparisons WHERE id = ?1";
            let kept: Option<Option<String>> =
                transaction.query_row(sql, [&id], |row| row.get(0)).optional()?;
            let kept: Value =
                kept.flatten().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
            let here = Owner::current();
            let mut owners: Vec<Owner> =
                kept.as_array().map_or(&[][..], Vec::as_slice).iter().filter_map(from_json).collect();
            owners.retain(|owner| *owner != here && owner.is_there(&here));
            let others: Vec<u32> = owners.iter().map(|owner| owner.process).collect();
            if alone && !others.is_empty() {
                return Ok(others);
            }
            owners.push(here);
            let owners: Value = owners.iter().map(to_json).collect();
            let sql = "UPDATE comparisons SET plan = json_set(plan, '$.owners', json(?2)) WHERE id = ?1";
            transaction.execute(sql, params![id, owners.to_string()])?;
            transaction.commit()?;
            Ok(others)
        };
        write().map_err(|error| LedgerError::sqlite(path, Action::Write, error))
    }
}

fn to_json(owner: &Owner) -> Value {
    json!({"machine": owner.machine, "process": owner.process, "began": owner.began})
}

fn from_json(value: &Value) -> Option<Owner> {
    Some(Owner {
        machine: value["machine"].as_str()?.to_owned(),
        process: u32::try_from(value["process"].as_u64()?).ok()?,
        began: value["began"].as_i64(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::StoredComparison;

    fn begun(owners: Value) -> (Ledger, StoredComparison, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let mut ledger = Ledger::open(&folder.path().join("ledger.db")).unwrap();
        let stored = StoredComparison {
            id: Ulid::generate(),
            started_at: jiff::Timestamp::UNIX_EPOCH,
            prompt: "x".to_owned(),
            plan: json!({"lanes": ["a/b"], "owners": owners}),
            fingerprint: None,
        };
        ledger.begin_comparison(&stored).unwrap();
        (ledger, stored, folder)
    }

    #[test]
    fn this_process_is_no_other() {
        let (mut ledger, stored, _folder) = begun(this_process());
        assert_eq!(ledger.join(stored.id, true).unwrap(), Vec::<u32>::new());
        // What is unreadable, or not known at all, keeps nobody out.
        let (mut ledger, stored, _folder) = begun(json!([7, {"machine": "x", "process": -1}, null]));
        assert_eq!(ledger.join(stored.id, true).unwrap(), Vec::<u32>::new());
        assert_eq!(ledger.join(Ulid::generate(), true).unwrap(), Vec::<u32>::new());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn who_is_still_at_it_is_told_and_who_is_gone_is_forgotten() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let other = Owner::of(child.id());
        let (mut ledger, mut stored, _folder) = begun(json!([to_json(&other)]));
        assert_eq!(ledger.join(stored.id, true).unwrap(), [child.id()]);
        assert_eq!(ledger.latest_comparison().unwrap().unwrap().plan["owners"], json!([to_json(&other)]));
        assert_eq!(ledger.join(stored.id, false).unwrap(), [child.id()]);
        let both = json!([to_json(&other), to_json(&Owner::current())]);
        // Going on writes a plan anew; who is at it stays.
        stored.plan = json!({"lanes": ["a/b", "c/d"], "owners": this_process()});
        ledger.begin_comparison(&stored).unwrap();
        let plan = ledger.latest_comparison().unwrap().unwrap().plan;
        assert_eq!((&plan["owners"], &plan["lanes"][1]), (&both, &json!("c/d")));
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(ledger.join(stored.id, true).unwrap(), Vec::<u32>::new());
        assert_eq!(ledger.latest_comparison().unwrap().unwrap().plan["owners"], this_process());
    }
}
