//! Branches of plans as Python objects. Checked when they are made: what the core gets is within its bounds.

use crate::conditions::{
    self, MAX_BRANCHES, MAX_DEPTH, MAX_SET, MAX_SLOTS, MAX_TESTS, Outcome, Slot, Test, Type,
};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use std::sync::Arc;

/// `literal` with place and count, `parameter` with its number, `fixed` with a text or None, `unreadable`.
type Place = (String, u32, u32, bool, Option<String>);
type Limit = Option<(String, bool)>;
type Said = (String, String, String);

fn wrong(what: impl Into<String>) -> PyErr {
    PyValueError::new_err(what.into())
}

#[pyclass(frozen, eq, module = "proxy._core")]
#[derive(Clone, PartialEq)]
pub struct Condition(Arc<conditions::Condition>);

fn bounded(condition: conditions::Condition) -> PyResult<Condition> {
    let (tests, depth) = condition.size();
    if tests > MAX_TESTS || depth > MAX_DEPTH {
        return Err(wrong(format!(
            "a condition has at most {MAX_TESTS} tests, {MAX_DEPTH} deep in each other"
        )));
    }
    Ok(Condition(Arc::new(condition)))
}

fn kind_of(name: &str) -> PyResult<Type> {
    Ok(match name {
        "number" => Type::Number,
        "integer" => Type::Integer,
        "text" => Type::Text,
        "boolean" => Type::Boolean,
        "date" => Type::Date,
        "timestamp" => Type::Timestamp,
        other => return Err(wrong(format!("no such type of value: {other}"))),
    })
}

fn ordered(kind: Type, text: &str) -> PyResult<Box<[u8]>> {
    let mut out = Vec::new();
    if !kind.ordered(text, &mut out) {
        return Err(wrong(format!("not a value of type {kind:?}, or too long")));
    }
    Ok(out.into())
}

fn slot_of(kind: Type, (what, at, of, negative, text): Place) -> PyResult<Slot> {
    Ok(match (what.as_str(), text) {
        ("literal", None) => Slot::Literal { at, of, negative },
        ("parameter", None) => {
            let number = u16::try_from(at).ok().filter(|number| *number > 0);
            let number = number.ok_or_else(|| wrong(format!("no such parameter: ${at}")))?;
            Slot::Parameter { number, negative }
        }
        ("fixed", None) => Slot::Fixed(None),
        ("fixed", Some(text)) => Slot::Fixed(Some(ordered(kind, &text)?)),
        ("unreadable", None) => Slot::Unreadable,
        (other, _) => return Err(wrong(format!("no such place of a value: {other}"))),
    })
}

fn test(
    slots: Vec<Place>,
    kind: &str,
    utf8: bool,
    test: impl FnOnce(Type) -> PyResult<Test>,
) -> PyResult<Condition> {
    if slots.len() > MAX_SLOTS {
        return Err(wrong(format!("a test looks at no more than {MAX_SLOTS} values")));
    }
    let kind = kind_of(kind)?;
    let slots = slots.into_iter().map(|slot| slot_of(kind, slot)).collect::<PyResult<_>>()?;
    bounded(conditions::Condition::Test { slots, kind, utf8, test: test(kind)? })
}

fn inner(all: &[Condition]) -> Box<[conditions::Condition]> {
    all.iter().map(|one| (*one.0).clone()).collect()
}

#[pymethods]
impl Condition {
    #[staticmethod]
    fn within(slots: Vec<Place>, kind: &str, utf8: bool, values: Vec<String>) -> PyResult<Self> {
        if values.len() > MAX_SET {
            return Err(wrong(format!("a set has at most {MAX_SET} values")));
        }
        let set =
            |kind| values.iter().map(|value| ordered(kind, value)).collect::<PyResult<_>>().map(Test::In);
        test(slots, kind, utf8, set)
    }

    #[staticmethod]
    fn between(slots: Vec<Place>, kind: &str, utf8: bool, low: Limit, high: Limit) -> PyResult<Self> {
        let bound = |kind, bound: Limit| {
            bound.map(|(text, itself)| ordered(kind, &text).map(|value| (value, itself))).transpose()
        };
        test(slots, kind, utf8, |kind| Ok(Test::Range { low: bound(kind, low)?, high: bound(kind, high)? }))
    }

    #[staticmethod]
    fn length(slots: Vec<Place>, utf8: bool, least: usize, most: usize) -> PyResult<Self> {
        test(slots, "text", utf8, |_| Ok(Test::Length { least, most }))
    }

    #[staticmethod]
    fn like(slots: Vec<Place>, utf8: bool, pieces: Vec<String>) -> PyResult<Self> {
        if pieces.is_empty() || pieces.len() > MAX_TESTS {
            return Err(wrong(format!("a pattern has at most {MAX_TESTS} pieces, and one at least")));
        }
        let pieces = |kind| pieces.iter().map(|piece| ordered(kind, piece)).collect::<PyResult<_>>();
        test(slots, "text", utf8, |kind| pieces(kind).map(Test::Like))
    }

    #[staticmethod]
    fn null(slots: Vec<Place>, kind: &str) -> PyResult<Self> {
        test(slots, kind, true, |_| Ok(Test::Null))
    }

    #[staticmethod]
    fn all(conditions: Vec<Condition>) -> PyResult<Self> {
        bounded(conditions::Condition::All(inner(&conditions)))
    }

    #[staticmethod]
    fn any(conditions: Vec<Condition>) -> PyResult<Self> {
        bounded(conditions::Condition::Any(inner(&conditions)))
    }

    #[staticmethod]
    fn negation(condition: &Condition) -> PyResult<Self> {
        bounded(conditions::Condition::Not(Box::new((*condition.0).clone())))
    }

    fn __repr__(&self) -> String {
        let (tests, _) = self.0.size();
        format!("Condition({tests} tests)")
    }
}

#[pyclass(frozen, eq, module = "proxy._core")]
#[derive(Clone, PartialEq)]
pub struct Branch {
    name: String,
    condition: Condition,
    then: Outcome,
    unknown: Outcome,
}

fn outcome((what, code, message): Said) -> PyResult<Outcome> {
    Ok(match what.as_str() {
        "pass" => Outcome::Pass,
        "alone" => Outcome::Alone,
        "deny" if code.len() == 5 && !message.is_empty() => Outcome::Deny { code, message },
        "deny" => return Err(wrong("a denial needs a five-letter code and a message")),
        other => return Err(wrong(format!("no such outcome: {other}"))),
    })
}

#[pymethods]
impl Branch {
    #[new]
    fn new(name: String, condition: Condition, then: Said, unknown: Said) -> PyResult<Self> {
        Ok(Self { name, condition, then: outcome(then)?, unknown: outcome(unknown)? })
    }

    fn __repr__(&self) -> String {
        format!("Branch({:?})", self.name)
    }
}

pub fn few_enough(branches: &[Branch]) -> PyResult<()> {
    if branches.len() > MAX_BRANCHES {
        return Err(wrong(format!("a plan has at most {MAX_BRANCHES} branches")));
    }
    Ok(())
}

pub fn to_core(branches: &[Branch]) -> Option<conditions::Branches> {
    let one = |branch: &Branch| {
        let (then, unknown) = (branch.then.clone(), branch.unknown.clone());
        conditions::Branch::new(branch.name.clone(), (*branch.condition.0).clone(), then, unknown)
    };
    (!branches.is_empty()).then(|| conditions::Branches::new(branches.iter().map(one).collect()))
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Condition>()?;
    module.add_class::<Branch>()
}
