//! What a plan leaves to the values of each execution is decided here, for every form in which they come: in a text, in
//! a Parse and its Bind, in the arguments of an EXECUTE. Where values are not to be had, the plan's own word on doubt
//! holds.

use super::build;
use super::client::{Cx, Lane, Session};
use super::frame::c_string;
use super::naming::{self, Words};
use super::pending::{Instance, Kind};
use super::server::Upstream;
use crate::conditions::Decision;
use crate::conditions::postgres::{Execution, Given, Place};
use crate::lexer::{Literal, LiteralKind};
use crate::plan::{Names, Plan};
use crate::slab::Id;
use std::sync::Arc;

/// Casts that leave what is written as it is, and those that do when it is a whole number.
const PLAIN: [&str; 6] = ["numeric", "decimal", "text", "varchar", "bool", "boolean"];
const WHOLE: [&str; 6] = ["int", "integer", "int4", "bigint", "int8", "smallint"];

/// The literals of a prepared statement whose plan has branches.
#[derive(Debug)]
pub struct Known {
    text: Box<[u8]>,
    literals: Box<[Literal]>,
    backslashes: bool,
}

impl Known {
    /// Of the text only the literals are kept.
    fn new(text: &[u8], literals: &[Literal], backslashes: bool) -> Self {
        let mut kept = Vec::new();
        let mut moved = Vec::with_capacity(literals.len());
        for literal in literals {
            let start = kept.len() as u32;
            kept.extend_from_slice(
                text.get(literal.start as usize..literal.end as usize).unwrap_or_default(),
            );
            moved.push(Literal { start, end: kept.len() as u32, kind: literal.kind });
        }
        Self { text: kept.into(), literals: moved.into(), backslashes }
    }

    fn execution<'a>(&'a self, given: Given<'a>) -> Execution<'a> {
        Execution { text: &self.text, literals: &self.literals, backslashes: self.backslashes, given }
    }
}

/// The error in place of what is denied. It counts now.
pub fn judged_no(plan: &Plan, decision: &Decision) -> Option<Box<[u8]>> {
    let branches = plan.branches.as_ref()?;
    let (code, message) = branches.denial(decision)?;
    branches.count(decision);
    let mut error = Vec::new();
    build::error(&mut error, "ERROR", code, message);
    Some(error.into())
}

/// What goes through is sent now. A unit that runs again was counted.
pub fn count(plan: &Plan, decision: &Decision, cx: &Cx<'_>) {
    if let Some(branches) = plan.branches.as_ref().filter(|_| !cx.repeated) {
        branches.count(decision);
    }
}

fn judge(plan: &Plan, execution: Execution<'_>, cx: &mut Cx<'_>) -> Option<Decision> {
    Some(plan.branches.as_ref()?.decide(&execution, &mut cx.plans.desk))
}

impl Session {
    /// A simple query that was just looked up. Of a PREPARE that is followed by its name the parameters come with
    /// EXECUTE; of any other they are never seen.
    pub fn judge_query(&self, plan: &Plan, text: &[u8], cx: &mut Cx<'_>) -> Option<Decision> {
        plan.branches.as_ref()?;
        let follows = plan.names == Some(Names::Makes)
            && !self.unsafe_encoding
            && naming::find(text, Names::Makes).is_some();
        self.judge_text(plan, text, if follows { Given::Later } else { Given::Nothing }, cx)
    }

    /// A Parse. `seen`: its text was looked up just now, and nothing else since.
    pub fn judge_parse(&self, plan: &Plan, text: &[u8], seen: bool, cx: &mut Cx<'_>) -> Option<Decision> {
        plan.branches.as_ref()?;
        if !seen {
            self.lex(text, cx);
        }
        // The parameters of a PREPARE in it are not those of its Bind.
        let given = if plan.names == Some(Names::Makes) { Given::Nothing } else { Given::Later };
        self.judge_text(plan, text, given, cx)
    }

    fn judge_text(&self, plan: &Plan, text: &[u8], given: Given<'_>, cx: &mut Cx<'_>) -> Option<Decision> {
        let literals = &cx.literals[..];
        let execution = Execution { text, literals, backslashes: self.backslashes, given };
        Some(plan.branches.as_ref()?.decide(&execution, &mut cx.plans.desk))
    }

    /// A Bind of what the unit in hand parses: may it share a connection?
    pub fn may_share_parsed(&self, plan: &Plan, parse: &[u8], values: &[u8], cx: &mut Cx<'_>) -> bool {
        let Some(branches) = &plan.branches else { return true };
        let Some((text, declared)) = c_string(parse) else { return false };
        if branches.parameters && is_untyped(declared, values, cx) {
            return false;
        }
        if !branches.part() {
            return true;
        }
        self.lex(text, cx);
        cx.plans.desk.lay_out(values);
        let given = Given::Bound { values, declared, inferred: None };
        self.judge_text(plan, text, given, cx).is_none_or(|decision| decision.may_share())
    }

    /// A Bind of what was parsed before.
    pub fn may_share_bound(&self, plan: &Plan, name: &[u8], values: &[u8], cx: &mut Cx<'_>) -> bool {
        let Some(branches) = &plan.branches else { return true };
        if branches.parameters && is_untyped(self.statement(name).1, values, cx) {
            // Its connection may have to be asked first, and neighbours would wait with it.
            return false;
        }
        if !branches.part() {
            return true;
        }
        self.judge_bind(plan, name, Some(values), None, cx).is_none_or(|decision| decision.may_share())
    }

    /// A Bind; `values` is what follows its names, None when not all of it is here. `inferred`: see `types`.
    pub fn judge_bind(
        &self,
        plan: &Plan,
        name: &[u8],
        values: Option<&[u8]>,
        inferred: Option<&[u32]>,
        cx: &mut Cx<'_>,
    ) -> Option<Decision> {
        plan.branches.as_ref()?;
        let (known, declared) = self.statement(name);
        let given = match values {
            Some(values) => {
                cx.plans.desk.lay_out(values);
                Given::Bound { values, declared, inferred }
            }
            None => Given::Nothing,
        };
        judge(plan, execution(known, given), cx)
    }

    /// What `text` runs by its name: the arguments are the parameters of that statement.
    pub fn judge_arguments(
        &self,
        plan: &Plan,
        name: &[u8],
        text: &[u8],
        cx: &mut Cx<'_>,
    ) -> Option<Decision> {
        plan.branches.as_ref()?;
        self.lex(text, cx);
        let places = cx.plans.desk.places();
        places.clear();
        if let Some((range, _)) = naming::find(text, Names::Runs) {
            arguments(text, range.end, cx.literals, places);
        }
        let (known, _) = self.statement(name);
        judge(plan, execution(known, Given::Said { text, backslashes: self.backslashes }), cx)
    }

    /// A Bind of a text that runs another statement by its name: with the arguments in that text.
    pub fn judge_runs(&self, plan: &Plan, name: &[u8], cx: &mut Cx<'_>) -> Option<Decision> {
        plan.branches.as_ref()?;
        let runs = if name.is_empty() {
            self.unnamed.as_ref()?.runs.as_ref()?
        } else {
            self.named.as_ref()?.get(name)?.runs.as_ref()?
        };
        let (text, _) = c_string(&runs.body)?;
        self.judge_arguments(plan, &runs.name, text, cx)
    }

    /// Kept of a text that was looked up last, for when it is bound.
    pub fn known(&self, plan: &Plan, text: &[u8], cx: &Cx<'_>) -> Option<Arc<Known>> {
        plan.branches.as_ref()?;
        Some(Arc::new(Known::new(text, cx.literals, self.backslashes)))
    }

    /// What is known of a prepared statement: its literals, and the types its parameters were declared to have.
    fn statement(&self, name: &[u8]) -> (Option<&Known>, &[u8]) {
        let (known, body) = if name.is_empty() {
            let Some(unnamed) = &self.unnamed else { return (None, &[]) };
            (&unnamed.known, &unnamed.body[..])
        } else {
            let Some(named) = self.named.as_ref().and_then(|all| all.get(name)) else { return (None, &[]) };
            (&named.known, &named.prepared.body[..])
        };
        (known.as_deref(), c_string(body).map_or(&[][..], |(_, types)| types))
    }

    /// The statement as it is on the connection.
    pub fn instance(&self, up: &Upstream, name: &[u8], me: Id) -> Option<Instance> {
        if name.is_empty() {
            return up.unnamed_of(me, self.unnamed.as_ref()?.serial);
        }
        let id = self.named.as_ref()?.get(name)?.prepared.id;
        Some(Instance::Named { id, made: up.prepared.made(id)? })
    }

    /// The types of its parameters as this very server reads them. What another was told does not count: a table of the
    /// same name may be another one there.
    pub fn types<'a>(&self, up: &'a Upstream, name: &[u8], me: Id) -> Option<&'a [u32]> {
        up.types_of(self.instance(up, name, me)?)
    }

    /// A value is in binary and only the server knows of what type: it is asked, and the Bind waits for what it says.
    pub fn lacks_types(
        &mut self,
        plan: &Plan,
        name: &[u8],
        values: &[u8],
        lane: &mut Lane<'_>,
        cx: &mut Cx<'_>,
    ) -> bool {
        let looks = plan.branches.as_ref().is_some_and(|branches| branches.parameters);
        if !looks || lane.up.is_skipping() || !is_untyped(self.statement(name).1, values, cx) {
            return false;
        }
        let own = self.ensure(lane, name, cx);
        let Some(instance) = self.instance(lane.up, name, cx.me) else { return false };
        if lane.up.types_of(instance).is_some() {
            return false;
        }
        self.open = true;
        build::named(lane.out, b'D', b'S', &own);
        lane.out.extend_from_slice(build::FLUSH);
        lane.up.push(cx.me, Kind::Ask(instance), None, cx.now_us);
        true
    }
}

fn is_untyped(declared: &[u8], values: &[u8], cx: &mut Cx<'_>) -> bool {
    cx.plans.desk.lay_out(values);
    cx.plans.desk.is_untyped(declared)
}

/// Without its literals a statement has none that is certain.
fn execution<'a>(known: Option<&'a Known>, given: Given<'a>) -> Execution<'a> {
    match known {
        Some(known) => known.execution(given),
        None => Execution { text: &[], literals: &[], backslashes: false, given },
    }
}

/// Where the values of an EXECUTE stand: behind the name, in brackets, with commas between. From the first on that is
/// more than a literal they are not known.
fn arguments(text: &[u8], from: usize, literals: &[Literal], places: &mut Vec<Place>) {
    let mut words = Words { text, at: from };
    if sign(&mut words) != Some(b'(') {
        return;
    }
    while let Some(place) = argument(&mut words, literals) {
        let behind = sign(&mut words);
        if matches!(behind, Some(b',' | b')')) {
            places.push(place);
        }
        if behind != Some(b',') {
            return;
        }
    }
}

fn sign(words: &mut Words<'_>) -> Option<u8> {
    let range = words.next()?;
    match words.text.get(range)? {
        [byte] => Some(*byte),
        _ => None,
    }
}

fn argument(words: &mut Words<'_>, literals: &[Literal]) -> Option<Place> {
    words.skip_space()?;
    let negative = match words.rest() {
        [b'-', ..] => Some(true),
        [b'+', ..] => Some(false),
        _ => None,
    };
    if negative.is_some() {
        words.at += 1;
        words.skip_space()?;
    }
    let found = literals.binary_search_by_key(&(words.at as u32), |literal| literal.start);
    let Some(literal) = found.ok().and_then(|at| literals.get(at)) else {
        let word = words.text.get(words.next()?)?;
        return match () {
            () if negative.is_some() => None,
            () if word.eq_ignore_ascii_case(b"null") => Some(Place::Null),
            () if word.eq_ignore_ascii_case(b"true") => Some(Place::Boolean(true)),
            () if word.eq_ignore_ascii_case(b"false") => Some(Place::Boolean(false)),
            () => None,
        };
    };
    use LiteralKind::{BigInteger, Decimal, Integer, Numeric, Spelt};
    let is_number = matches!(literal.kind, Integer | BigInteger | Numeric | Decimal | Spelt);
    if negative.is_some() && !is_number {
        return None;
    }
    let (start, end) = (literal.start as usize, literal.end as usize);
    words.at = end;
    words.skip_space()?;
    if words.rest().starts_with(b"::") {
        words.at += 2;
        let kind = words.text.get(words.next()?)?;
        let is = |all: &[&str]| all.iter().any(|name| kind.eq_ignore_ascii_case(name.as_bytes()));
        // A string is read as what it is cast to, and a whole number there has no fraction.
        if !(is(&PLAIN) || is(&WHOLE) && literal.kind != Decimal) {
            return None;
        }
    }
    Some(Place::Said { start, end, kind: literal.kind, negative: negative == Some(true) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lexer::{self, Mode, ProcessKey};

    fn read(text: &str) -> String {
        let mut literals = Vec::new();
        lexer::fingerprint(text.as_bytes(), Mode::default(), &ProcessKey::from_bytes([7; 16]), &mut literals);
        let (range, _) = naming::find(text.as_bytes(), Names::Runs).unwrap();
        let mut places = Vec::new();
        arguments(text.as_bytes(), range.end, &literals, &mut places);
        let one = |place: &Place| match place {
            Place::Said { start, end, negative, .. } => {
                format!("{}{}", if *negative { "-" } else { "" }, &text[*start..*end])
            }
            other => format!("{other:?}"),
        };
        places.iter().map(one).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn arguments_of_an_execute() {
        for (text, places) in [
            ("EXECUTE p(1, -2.5, 'a,)b', NULL, true)", "1 -2.5 'a,)b' Null Boolean(true)"),
            ("execute \"P\" /* ( */ ( + 7 :: int8 , $$x$$::text )", "7 $$x$$"),
            ("EXPLAIN ANALYZE EXECUTE p ('1'::numeric)", "'1'"),
            ("EXECUTE p(1, 2 + 3, 4)", "1"),
            ("EXECUTE p(1, abs(-5))", "1"),
            ("EXECUTE p(1.5::int)", ""),
            ("EXECUTE p('1'::numeric(3, 1))", ""),
            ("EXECUTE p(- -1)", ""),
            ("EXECUTE p(-'1')", ""),
            ("EXECUTE p(numeric '1')", ""),
            ("EXECUTE p(1", ""),
            ("EXECUTE p(", ""),
            ("EXECUTE p", ""),
            ("EXECUTE p()", ""),
        ] {
            assert_eq!(read(text), places, "{text}");
        }
    }
}
