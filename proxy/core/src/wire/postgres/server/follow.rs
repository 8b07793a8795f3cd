//! Which settings hold on a connection: what statements set, and what their transactions' ends make of it.

use super::{Unit, Upstream};
use crate::plan::{Plan, Point};
use crate::settings::decides_meaning;

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

/// Changes and savepoints of one transaction that are kept as they came.
const MOST_CHANGES: usize = 1024;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    Set(String, Option<String>),
    ResetAll,
    /// Until the transaction ends.
    Local(String, String),
    /// SAVEPOINT
    Mark(String),
    /// RELEASE
    Free(String),
    /// ROLLBACK TO
    Return(String),
    /// LISTEN (true) or UNLISTEN, of one channel or of all.
    Hear(bool, Option<String>),
}

impl Change {
    fn is_of_settings(&self) -> bool {
        matches!(self, Self::Set(..) | Self::ResetAll | Self::Local(..))
    }

    fn decides_meaning(&self) -> bool {
        match self {
            Self::Set(name, _) | Self::Local(name, _) => decides_meaning(name),
            Self::ResetAll => true,
            _ => false,
        }
    }

    /// Behind `other` it says nothing any more.
    fn is_undone_by(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Set(before, _), Self::Set(name, _)) | (Self::Local(before, _), Self::Local(name, _)) => {
                before == name
            }
            (Self::Set(..) | Self::Local(..) | Self::ResetAll, Self::ResetAll) => true,
            (Self::Hear(_, before), Self::Hear(_, name)) => before == name || name.is_none(),
            _ => false,
        }
    }

    fn is_mark(&self, name: &str) -> bool {
        matches!(self, Self::Mark(known) if known == name)
    }
}

/// What is left of changes, in their order, when those that a ROLLBACK TO took back are gone. False: it is not known,
/// for it goes back to a point that nobody saw.
fn settle(changes: &mut Vec<Change>) -> bool {
    let mut left: Vec<Change> = Vec::with_capacity(changes.len());
    let mut known = true;
    for change in changes.drain(..) {
        match &change {
            Change::Free(name) | Change::Return(name) => {
                let Some(at) = left.iter().rposition(|change| change.is_mark(name)) else {
                    known = false;
                    continue;
                };
                if matches!(change, Change::Return(_)) {
                    left.truncate(at + 1);
                } else {
                    let mut place = 0;
                    left.retain(|change| {
                        place += 1;
                        place <= at || !matches!(change, Change::Mark(_))
                    });
                }
            }
            _ => left.push(change),
        }
    }
    *changes = left;
    known
}

impl Unit {
    /// What the server reports without the plan having said so: a function that sets, or, at a COMMIT, what SET LOCAL
    /// had hidden.
    fn believe_reports(&mut self) {
        let since = self.changes.iter().rposition(|change| matches!(change, Change::Return(_))).unwrap_or(0);
        for (name, value) in self.reported.drain(..) {
            let known = |change: &Change| match change {
                Change::Set(known, _) => *known == name,
                Change::ResetAll => true,
                _ => false,
            };
            if !self.changes.iter().skip(since).any(known) {
                self.changes.push(Change::Set(name, Some(literal(&value))));
            }
        }
    }

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
            let plan = self.pending.front().and_then(|pending| pending.plan.as_ref());
            if plan.is_some_and(|plan| matches!(plan.point, Some(Point::Returns(_)))) {
                self.unit.returned = true;
            } else {
                self.unit.rolled_back = true;
            }
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
        let local_sets =
            effect.local_sets.iter().map(|(name, value)| Change::Local(name.clone(), value.clone()));
        self.unit.changes.extend(local_sets);
        match &plan.point {
            Some(Point::Makes(name)) => self.unit.changes.push(Change::Mark(name.clone())),
            Some(Point::Frees(name)) => self.unit.changes.push(Change::Free(name.clone())),
            Some(Point::Returns(name)) => self.unit.changes.push(Change::Return(name.clone())),
            Some(Point::Unseen) => self.unit.unseen_points = true,
            Some(Point::Ends) | None => {}
        }
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
        let open = status != b'I';
        self.unseen_points = open && (self.unseen_points || unit.unseen_points);
        if !halfway && unit.changes.is_empty() && unit.reported.is_empty() && self.in_transaction.is_empty() {
            self.rolled_back_to = open && (self.rolled_back_to || unit.rolled_back);
            return (Vec::new(), None);
        }
        if !unit.rolled_back && !unit.failed {
            unit.believe_reports();
        }
        let settings = !unit.reported.is_empty()
            || self.in_transaction.iter().chain(&unit.changes).any(Change::is_of_settings);
        let mut changes = Vec::new();
        // Reported by a unit of which a part is committed and a part failed: in which of them it changed is not known.
        let reported = unit.failed && unit.committed && !unit.reported.is_empty();
        let mut in_doubt = halfway || reported;
        if !open || unit.committed {
            changes = std::mem::take(&mut self.in_transaction);
            in_doubt |= !changes.is_empty() && self.rolled_back_to;
            in_doubt |= unit.committed && (unit.rolled_back || (unit.failed && !changes.is_empty()));
            self.rolled_back_to = false;
        }
        if open {
            self.rolled_back_to |= unit.rolled_back;
            // COMMIT AND CHAIN, or a COMMIT and a BEGIN in one: on which side of it the changes were is not known.
            in_doubt |= unit.committed && !unit.changes.is_empty();
            // What came before an error holds again after a ROLLBACK TO a point behind it.
            self.keep_until_the_end(unit);
        } else if !unit.committed && (unit.failed || unit.rolled_back) {
            changes.clear();
            if !unit.failed {
                // Whether it came before the ROLLBACK or behind is not known: rather a channel too many.
                changes
                    .extend(unit.changes.drain(..).filter(|change| matches!(change, Change::Hear(true, _))));
            }
        } else {
            changes.append(&mut unit.changes);
            in_doubt |= !settle(&mut changes);
        }
        changes.retain(|change| !matches!(change, Change::Local(..) | Change::Mark(_)));
        if in_doubt {
            changes.retain(|change| !matches!(change, Change::Hear(false, _)));
        }
        let pins = in_doubt && (settings || halfway);
        (changes, pins.then_some("setting changed around a rollback"))
    }

    /// The transaction goes on.
    fn keep_until_the_end(&mut self, unit: &mut Unit) {
        if unit.changes.is_empty() {
            return;
        }
        self.in_transaction.append(&mut unit.changes);
        self.rolled_back_to |= !settle(&mut self.in_transaction) || unit.returned && self.unseen_points;
        if self.in_transaction.len() > MOST_CHANGES {
            // The last word on each setting is all that is kept, and to which point it goes back is not known any more.
            let all = std::mem::take(&mut self.in_transaction);
            let marks = all.iter().any(|change| matches!(change, Change::Mark(_)));
            self.unseen_points |= marks;
            for change in all.into_iter().filter(|change| !matches!(change, Change::Mark(_))) {
                self.in_transaction.retain(|before| !before.is_undone_by(&change));
                self.in_transaction.push(change);
            }
        }
    }

    /// What decides meaning was changed in the transaction that is open.
    pub fn changed_meaning(&self) -> bool {
        self.in_transaction.iter().any(Change::decides_meaning)
    }

    /// A part of the open transaction was rolled back, and which of the settings made in it hold is not known.
    pub fn is_unclear(&self) -> bool {
        self.rolled_back_to && (self.unseen_points || self.changed_meaning())
    }
}

/// A string constant that means the same whatever standard_conforming_strings is.
pub(super) fn literal(value: &str) -> String {
    let quoted = value.replace('\'', "''");
    if quoted.contains('\\') { format!("E'{}'", quoted.replace('\\', "\\\\")) } else { format!("'{quoted}'") }
}
