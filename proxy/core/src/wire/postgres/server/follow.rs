//! Which settings hold on a connection: what statements set, and what their transactions' ends make of it.

use super::{Unit, Upstream};
use crate::plan::{Plan, Point};
use crate::settings::decides_meaning;
use hashbrown::HashSet;

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
/// Why a client stays that has changed more than can be followed.
const TOO_MANY: &str = "too many settings";
const ROLLED_BACK: &str = "setting changed around a rollback";

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    Set(String, Option<String>),
    /// All but the role.
    ResetAll,
    /// Until the transaction ends.
    Local(String, String),
    /// The same of settings that are not followed so.
    Passing,
    /// SAVEPOINT
    Mark(String),
    /// RELEASE
    Free(String),
    /// ROLLBACK TO
    Return(String),
    /// Everything before it holds.
    Commit,
    /// Nothing before it does, back to the last commit.
    Rollback,
    /// Some of what is before it does not, and nobody saw what.
    Lost,
    /// LISTEN (true) or UNLISTEN, of one channel or of all.
    Hear(bool, Option<String>),
}

impl Change {
    fn is_of_settings(&self) -> bool {
        matches!(self, Self::Set(..) | Self::ResetAll | Self::Local(..))
    }

    pub fn decides_meaning(&self) -> bool {
        match self {
            Self::Set(name, _) | Self::Local(name, _) => decides_meaning(name),
            Self::ResetAll => true,
            _ => false,
        }
    }

    fn is_mark(&self, name: &str) -> bool {
        matches!(self, Self::Mark(known) if known == name)
    }

    /// It outlives its transaction.
    fn lasts(&self) -> bool {
        matches!(self, Self::Set(..) | Self::ResetAll | Self::Hear(..))
    }
}

/// What becomes of changes, one after the other.
#[derive(Default)]
struct Ledger {
    /// They hold for good.
    kept: Vec<Change>,
    /// They do when their transaction commits.
    open: Vec<Change>,
    /// A part of the open transaction was rolled back to a point that nobody saw.
    unclear: bool,
    /// Points were made that are not among the changes.
    unseen: bool,
    /// It is not known which of the kept ones hold.
    in_doubt: bool,
}

impl Ledger {
    fn take(&mut self, change: Change) {
        match change {
            Change::Commit => self.commit(),
            Change::Rollback => {
                self.open.clear();
                self.unclear = false;
            }
            Change::Lost => self.unclear = true,
            Change::Free(name) => match self.open.iter().rposition(|change| change.is_mark(&name)) {
                // With it all those made since are freed.
                Some(at) => {
                    let behind = self.open.split_off(at);
                    self.open.extend(behind.into_iter().filter(|change| !matches!(change, Change::Mark(_))));
                }
                None => self.unclear = true,
            },
            Change::Return(name) => match self.open.iter().rposition(|change| change.is_mark(&name)) {
                Some(at) if !self.unseen => self.open.truncate(at + 1),
                _ => self.unclear = true,
            },
            Change::ResetAll => {
                // What is set for the transaction hides that there is anything to put back, and then it is not.
                self.in_doubt |=
                    self.open.iter().any(|change| matches!(change, Change::Local(..) | Change::Passing));
                self.open.push(change);
            }
            Change::Passing if self.open.last() == Some(&Change::Passing) => {}
            change => self.open.push(change),
        }
    }

    fn commit(&mut self) {
        self.in_doubt |= self.unclear && self.open.iter().any(Change::is_of_settings);
        self.unclear = false;
        self.kept.extend(self.open.drain(..).filter(Change::lasts));
    }
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
        self.heard_anyway.extend(listens.map(|(listens, name)| Change::Hear(*listens, name.clone())));
    }
}

impl Upstream {
    pub(super) fn tag(&mut self, body: &[u8]) {
        if body.starts_with(b"COMMIT") && !body.starts_with(b"COMMIT PREPARED")
            || body.starts_with(b"PREPARE TRANSACTION")
        {
            self.unit.committed = true;
            self.unit.changes.push(Change::Commit);
        } else if body.starts_with(b"ROLLBACK") && !body.starts_with(b"ROLLBACK PREPARED") {
            let plan = self.pending.front().and_then(|pending| pending.plan.as_ref());
            match plan.and_then(|plan| plan.point.as_ref()) {
                Some(Point::Returns(_)) => {}
                Some(Point::Ends) => {
                    self.unit.rolled_back = true;
                    self.unit.changes.push(Change::Rollback);
                }
                // To a savepoint, or all of it.
                _ => {
                    self.unit.rolled_back = true;
                    self.unit.changes.push(Change::Lost);
                }
            }
        } else if (body.starts_with(b"DO\0") || body.starts_with(b"CALL")) && self.status == b'I' {
            // It may end transactions inside, and says nothing of it.
            self.unit.ends_inside |= self.unit.changes.iter().any(Change::is_of_settings);
        }
    }

    pub(super) fn note(&mut self, plan: &Plan) {
        let effect = &plan.effect;
        let changes = &mut self.unit.changes;
        if effect.resets_all {
            changes.push(Change::ResetAll);
        }
        changes.extend(effect.sets.iter().map(|(name, value)| Change::Set(name.clone(), value.clone())));
        let hear = |(listens, name): &(bool, Option<String>)| Change::Hear(*listens, name.clone());
        changes.extend(effect.channels.iter().map(hear));
        let local = |(name, value): &(String, String)| Change::Local(name.clone(), value.clone());
        changes.extend(effect.local_sets.iter().map(local));
        match &plan.point {
            Some(Point::Makes(name)) => changes.push(Change::Mark(name.clone())),
            Some(Point::Frees(name)) => changes.push(Change::Free(name.clone())),
            Some(Point::Returns(name)) => changes.push(Change::Return(name.clone())),
            Some(Point::Passes) => changes.push(Change::Passing),
            Some(Point::Unseen) => self.unit.unseen_points = true,
            Some(Point::Fetches | Point::Ends) | None => {}
        }
        self.unit.changed_schema |= effect.changes_schema;
    }

    /// Which changes of settings hold now. Inside a transaction none does yet; its end decides. `text`: the unit is a text
    /// of its own with an effect, whose place among what ends transactions in it nobody tells.
    pub(super) fn changes(
        &mut self,
        unit: &mut Unit,
        status: u8,
        text: bool,
    ) -> (Vec<Change>, Option<&'static str>) {
        let open = status != b'I';
        let unseen = self.unseen_points || unit.unseen_points;
        self.unseen_points = open && unseen;
        let ended = unit.committed || unit.rolled_back;
        let jumbled = text && ended && (open || unit.failed || unit.rolled_back);
        if !jumbled
            && unit.changes.is_empty()
            && unit.reported.is_empty()
            && unit.heard_anyway.is_empty()
            && self.in_transaction.is_empty()
        {
            self.rolled_back_to &= open;
            return (Vec::new(), None);
        }
        if !unit.rolled_back && !unit.failed {
            unit.believe_reports();
        }
        // Reported by a unit of which a part is committed and a part failed: in which of them it changed is not known.
        let reported = unit.failed && unit.committed && !unit.reported.is_empty();
        let settings = !unit.reported.is_empty()
            || self.in_transaction.iter().chain(&unit.changes).any(Change::is_of_settings);
        let lost = unit.changes.contains(&Change::Lost);
        let mut ledger = Ledger { unclear: self.rolled_back_to, unseen, ..Ledger::default() };
        for change in self.in_transaction.drain(..).chain(unit.changes.drain(..)) {
            ledger.take(change);
        }
        if open {
            // What came before an error holds again after a ROLLBACK TO a point behind it.
            self.in_transaction = std::mem::take(&mut ledger.open);
            self.rolled_back_to = ledger.unclear;
            self.shorten();
        } else {
            if unit.failed {
                ledger.open.clear();
            } else if lost && !unit.committed {
                // Then it was all of it. Whether a LISTEN came before or behind is not known: rather a channel too many.
                ledger.open.retain(|change| matches!(change, Change::Hear(true, _)));
                ledger.unclear = false;
            }
            ledger.commit();
            self.rolled_back_to = false;
        }
        let mut changes = ledger.kept;
        changes.append(&mut unit.heard_anyway);
        let in_doubt = ledger.in_doubt || jumbled || reported || unit.ends_inside;
        if in_doubt {
            changes.retain(|change| !matches!(change, Change::Hear(false, _)));
        }
        let halfway = jumbled && unit.failed && unit.committed;
        let overflowed = !open && std::mem::take(&mut self.overflowed);
        let pin = if in_doubt && (settings || halfway) { Some(ROLLED_BACK) } else { None };
        (changes, pin.or(overflowed.then_some(TOO_MANY)))
    }

    /// Of too many changes in one transaction the last word on each setting is kept, and no more names than can be
    /// followed; to which point it is rolled back is not known any more.
    fn shorten(&mut self) {
        if self.in_transaction.len() <= MOST_CHANGES {
            return;
        }
        let mut known: HashSet<(bool, String)> = HashSet::new();
        let mut reset = false;
        let mut left = Vec::new();
        for change in self.in_transaction.drain(..).rev() {
            let keep = match &change {
                Change::Mark(_) => {
                    self.unseen_points = true;
                    false
                }
                Change::ResetAll => !std::mem::replace(&mut reset, true),
                // The role is not put back with the others.
                Change::Set(name, _) if reset && name != "role" => false,
                Change::Set(name, _) => known.insert((true, name.clone())),
                Change::Local(name, _) => known.insert((false, name.clone())),
                Change::Passing => known.insert((false, String::new())),
                _ => true,
            };
            if keep {
                left.push(change);
            }
        }
        left.reverse();
        if left.len() > MOST_CHANGES / 2 {
            left.retain(|change| !matches!(change, Change::Set(..)) || change.decides_meaning());
            self.overflowed = true;
        }
        self.in_transaction = left;
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
