//! Which settings hold on a connection: what statements set, and what their transactions' ends make of it.

use super::{Unit, Upstream};
use crate::plan::Plan;

/// Settings a server reports that are believed when no plan foretold them, and that `SET name = 'value'` brings back.
pub(super) const FOLLOWED: [&str; 7] = [
    "application_name",
    "client_encoding",
    "datestyle",
    "default_transaction_read_only",
    "intervalstyle",
    "standard_conforming_strings",
    "timezone",
];

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    Set(String, Option<String>),
    ResetAll,
    /// LISTEN (true) or UNLISTEN, of one channel or of all.
    Hear(bool, Option<String>),
}

impl Change {
    fn is_of_settings(&self) -> bool {
        !matches!(self, Self::Hear(..))
    }
}

impl Unit {
    /// Of a text that failed behind a COMMIT of its own: rather a channel too many than one too few.
    pub(super) fn hear_anyway(&mut self, plan: &Plan) {
        let listens = plan.effect.channels.iter().filter(|(listens, _)| *listens);
        self.changes.extend(listens.map(|(listens, name)| Change::Hear(*listens, name.clone())));
    }
}

impl Upstream {
    pub(super) fn tag(&mut self, body: &[u8]) {
        if body.starts_with(b"COMMIT") {
            self.unit.committed = true;
        } else if body.starts_with(b"ROLLBACK") && !body.starts_with(b"ROLLBACK PREPARED") {
            self.unit.rolled_back = true;
        }
    }

    pub(super) fn note(&mut self, plan: &Plan) {
        let effect = &plan.effect;
        if effect.resets_all {
            self.unit.changes.push(Change::ResetAll);
        }
        self.unit
            .changes
            .extend(effect.sets.iter().map(|(name, value)| Change::Set(name.clone(), value.clone())));
        self.unit
            .changes
            .extend(effect.channels.iter().map(|(listens, name)| Change::Hear(*listens, name.clone())));
        self.unit.changed_schema |= effect.changes_schema;
    }

    /// Which changes of settings hold now. Inside a transaction none does yet; its end decides.
    pub(super) fn changes(
        &mut self,
        unit: &mut Unit,
        status: u8,
        effect: bool,
    ) -> (Vec<Change>, Option<&'static str>) {
        // What ran before the error is committed; how much of its own effect that was nobody says.
        let halfway = unit.failed && unit.committed && effect;
        if !halfway && unit.changes.is_empty() && unit.reported.is_empty() && self.in_transaction.is_empty() {
            self.rolled_back_to = status != b'I' && (self.rolled_back_to || unit.rolled_back);
            return (Vec::new(), None);
        }
        if !unit.rolled_back && !unit.failed {
            // What the server reports without the plan having said so is believed: a function that sets, or, at a
            // COMMIT, what SET LOCAL had hidden.
            for (name, value) in unit.reported.drain(..) {
                let known = |change: &Change| match change {
                    Change::Set(known, _) => *known == name,
                    Change::ResetAll => true,
                    Change::Hear(..) => false,
                };
                if !unit.changes.iter().any(known) {
                    unit.changes.push(Change::Set(name, Some(literal(&value))));
                }
            }
        }
        let settings = !unit.reported.is_empty()
            || self.in_transaction.iter().chain(&unit.changes).any(Change::is_of_settings);
        let mut changes = Vec::new();
        // Reported by a unit of which a part is committed and a part failed: in which of them it changed is not known.
        let reported = unit.failed && unit.committed && !unit.reported.is_empty();
        let mut in_doubt = halfway || reported;
        if status == b'I' || unit.committed {
            changes = std::mem::take(&mut self.in_transaction);
            in_doubt |= !changes.is_empty() && self.rolled_back_to;
            in_doubt |= unit.committed && (unit.rolled_back || (unit.failed && !changes.is_empty()));
            self.rolled_back_to = false;
        }
        if status != b'I' {
            self.rolled_back_to |= unit.rolled_back;
            // COMMIT AND CHAIN, or a COMMIT and a BEGIN in one: on which side of it the changes were is not known.
            in_doubt |= unit.committed && !unit.changes.is_empty();
            if !unit.failed {
                self.in_transaction.append(&mut unit.changes);
            }
        } else if !unit.committed && (unit.failed || unit.rolled_back) {
            changes.clear();
            if !unit.failed {
                // Whether it came before the ROLLBACK or behind is not known: rather a channel too many.
                changes
                    .extend(unit.changes.drain(..).filter(|change| matches!(change, Change::Hear(true, _))));
            }
        } else {
            changes.append(&mut unit.changes);
        }
        if in_doubt {
            changes.retain(|change| !matches!(change, Change::Hear(false, _)));
        }
        let pins = in_doubt && (settings || halfway);
        (changes, pins.then_some("setting changed around a rollback"))
    }
}

/// A string constant that means the same whatever standard_conforming_strings is.
pub(super) fn literal(value: &str) -> String {
    let quoted = value.replace('\'', "''");
    if quoted.contains('\\') { format!("E'{}'", quoted.replace('\\', "\\\\")) } else { format!("'{quoted}'") }
}
