//! Session settings as values, interned: two sessions have the same settings exactly when they hold the same `Arc`.
//! Also scopes: what a plan may depend on besides the statement, interned to a number when it changes.

use hashbrown::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Distinct sets kept before unused ones are thrown out.
const KEPT: usize = 4_096;
/// And settings in all of them together.
const KEPT_SETTINGS: usize = 65_536;
/// Settings that change what a statement means, so that they belong to its scope.
pub const MEANING: [&str; 5] =
    ["client_encoding", "role", "search_path", "session_authorization", "standard_conforming_strings"];

/// Settings besides those that decide what a literal stands for, or how an expression is read: what a server prepared
/// under other ones is another statement.
pub const READING: [&str; 7] = [
    "array_nulls",
    "datestyle",
    "intervalstyle",
    "lc_monetary",
    "timezone",
    "transform_null_equals",
    "xmloption",
];

/// Changing it may change how a statement is read or what it means.
pub fn decides_meaning(name: &str) -> bool {
    MEANING.contains(&name) || READING.contains(&name)
}

/// Settings whose values, once accepted, no server refuses later, and without which a statement does the same.
const HARMLESS: [&str; 16] = [
    "application_name",
    "bytea_output",
    "client_min_messages",
    "datestyle",
    "extra_float_digits",
    "idle_in_transaction_session_timeout",
    "idle_session_timeout",
    "intervalstyle",
    "jit",
    "lock_timeout",
    "maintenance_work_mem",
    "statement_timeout",
    "synchronous_commit",
    "tcp_user_timeout",
    "timezone",
    "work_mem",
];

/// What scopes are told apart by: who speaks, from which of the networks that matter, calling itself what, and under
/// which settings that change meaning.
type ScopeKey = (u32, Arc<[Box<str>]>, Option<Box<str>>, Vec<(String, String)>);

/// Sorted by name: lower-case name and value as SQL text.
#[derive(PartialEq, Eq, Hash, Debug, Default, Clone)]
pub struct Settings(Vec<(String, String)>);

impl Settings {
    pub fn from_pairs(pairs: Vec<(String, String)>) -> Self {
        let mut settings = Self::default();
        for (name, value) in pairs {
            settings.set(name, Some(value));
        }
        settings
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        let at = self.0.binary_search_by(|(n, _)| n.as_str().cmp(name)).ok()?;
        self.0.get(at).map(|(_, value)| value.as_str())
    }

    pub fn set(&mut self, name: String, value: Option<String>) {
        let at = self.0.binary_search_by(|(n, _)| n.as_str().cmp(&name));
        match (at, value) {
            (Ok(at), Some(value)) => self.0[at].1 = value,
            (Err(at), Some(value)) => self.0.insert(at, (name, value)),
            (Ok(at), None) => drop(self.0.remove(at)),
            (Err(_), None) => {}
        }
    }

    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// All that a prepared statement depends on besides its text, as a key. Empty where nothing of it is set.
    pub fn reading(&self) -> String {
        let mut key = String::new();
        for (name, value) in self.pairs() {
            if decides_meaning(name) {
                key.extend([name, "=", value, "\0"]);
            }
        }
        key
    }

    pub fn meaning(&self) -> Vec<(String, String)> {
        self.0.iter().filter(|(name, _)| MEANING.contains(&name.as_str())).cloned().collect()
    }

    /// To turn a session with `self` into one with `target` nothing is needed that could fail, or whose failure a
    /// statement must not survive: of `SET ROLE`, or of what row policies look at, it must not.
    pub fn is_harmless_to(&self, target: &Settings) -> bool {
        let same = |one: &Settings, other: &Settings| {
            one.pairs().all(|(name, value)| HARMLESS.contains(&name) || other.get(name) == Some(value))
        };
        same(self, target) && same(target, self)
    }

    /// The statements that turn a session with `self` into one with `target`.
    pub fn steps_to(&self, target: &Settings) -> String {
        let mut sql = String::new();
        for (name, _) in self.0.iter().filter(|(name, _)| target.get(name).is_none()) {
            sql.push_str("RESET ");
            quote_name(&mut sql, name);
            sql.push(';');
        }
        for (name, value) in target.0.iter().filter(|(name, value)| self.get(name) != Some(value)) {
            sql.push_str("SET ");
            quote_name(&mut sql, name);
            sql.push_str(" = ");
            sql.push_str(value);
            sql.push(';');
        }
        sql
    }
}

/// `SET` takes `a.b` as two identifiers. Quoting each is right for reserved words too.
fn quote_name(sql: &mut String, name: &str) {
    for (i, part) in name.split('.').enumerate() {
        if i > 0 {
            sql.push('.');
        }
        sql.push('"');
        sql.push_str(&part.replace('"', "\"\""));
        sql.push('"');
    }
}

/// Distinct sets, and how many settings there are in all of them.
#[derive(Default)]
struct Sets {
    known: HashMap<Arc<Settings>, ()>,
    settings: usize,
    most: usize,
}

#[derive(Default)]
pub struct Interner {
    sets: Mutex<Sets>,
    scopes: Mutex<Scopes>,
}

#[derive(Default)]
struct Scopes {
    numbers: HashMap<ScopeKey, u32>,
    next: u32,
}

impl Interner {
    pub fn settings(&self, settings: Settings) -> Arc<Settings> {
        let mut sets = self.sets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, ())) = sets.known.get_key_value(&settings) {
            return Arc::clone(known);
        }
        if sets.known.len() >= KEPT || sets.settings >= sets.most.max(KEPT_SETTINGS) {
            sets.known.retain(|known, ()| Arc::strong_count(known) > 1);
            sets.settings = sets.known.keys().map(|known| known.len()).sum();
            // Where clients hold that many, it is looked again when there are twice as many.
            sets.most = 2 * sets.settings;
        }
        sets.settings += settings.len();
        let new = Arc::new(settings);
        sets.known.insert(Arc::clone(&new), ());
        new
    }

    /// The base of each scope that is known.
    pub fn bases(&self) -> HashMap<u32, u32> {
        let scopes = self.scopes.lock().unwrap_or_else(PoisonError::into_inner);
        scopes.numbers.iter().map(|((base, ..), scope)| (*scope, *base)).collect()
    }

    /// The scope's number. Numbers are never reused: when the table is full it starts anew with higher ones,
    /// so that old plans are not found again, only made again.
    pub fn scope(
        &self,
        base: u32,
        networks: &Arc<[Box<str>]>,
        application: Option<&str>,
        settings: &Settings,
    ) -> u32 {
        let mut scopes = self.scopes.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (base, Arc::clone(networks), application.map(Box::from), settings.meaning());
        if let Some(number) = scopes.numbers.get(&key) {
            return *number;
        }
        if scopes.numbers.len() >= KEPT {
            scopes.numbers.clear();
        }
        scopes.next = scopes.next.wrapping_add(1);
        let number = scopes.next;
        scopes.numbers.insert(key, number);
        number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&str, &str)]) -> Settings {
        Settings::from_pairs(pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect())
    }

    #[test]
    fn steps_turn_one_session_into_another() {
        let from = of(&[("timezone", "'UTC'"), ("app.tenant", "'1'")]);
        let to = of(&[("timezone", "'CET'"), ("work_mem", "'1MB'")]);
        assert_eq!(
            from.steps_to(&to),
            r#"RESET "app"."tenant";SET "timezone" = 'CET';SET "work_mem" = '1MB';"#
        );
        assert_eq!(to.steps_to(&to), "");
        assert_eq!(of(&[("Odd\"", "1")]).steps_to(&of(&[])), "RESET \"Odd\"\"\";");
    }

    #[test]
    fn equal_settings_are_one_value() {
        let interner = Interner::default();
        let one = interner.settings(of(&[("a", "1"), ("b", "2")]));
        let two = interner.settings(of(&[("b", "2"), ("a", "1")]));
        assert!(Arc::ptr_eq(&one, &two));
    }

    #[test]
    fn a_scope_is_its_base_and_the_settings_that_change_meaning() {
        let interner = Interner::default();
        let here: Arc<[Box<str>]> = Arc::default();
        let plain = interner.scope(1, &here, None, &of(&[("timezone", "'UTC'")]));
        assert_eq!(plain, interner.scope(1, &Arc::default(), None, &of(&[])));
        assert_ne!(plain, interner.scope(1, &here, None, &of(&[("search_path", "x")])));
        assert_ne!(plain, interner.scope(1, &here, Some("'x'"), &of(&[])));
        assert_ne!(plain, interner.scope(1, &Arc::from(["10.0.0.0/8".into()]), None, &of(&[])));
        assert_ne!(plain, interner.scope(2, &here, None, &of(&[])));
    }

    #[test]
    fn the_tables_stay_bounded() {
        let interner = Interner::default();
        for i in 0..3 * KEPT {
            interner.settings(of(&[("x", &i.to_string())]));
            interner.scope(i as u32, &Arc::default(), None, &of(&[]));
        }
        assert!(interner.sets.lock().unwrap().known.len() <= KEPT);
        assert!(interner.scopes.lock().unwrap().numbers.len() <= KEPT);
    }
}
