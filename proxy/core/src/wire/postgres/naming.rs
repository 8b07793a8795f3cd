//! Prepared statements named in SQL: PREPARE, EXECUTE, DEALLOCATE. They are one set with those of the protocol, kept by
//! content like them, so that no client keeps a connection for one. Only a text of one such statement is read here;
//! the planner says which it is.

use super::build;
use super::client::{Cx, Lane, Named, Runs, Session, Step};
use super::content::is_there;
use super::extended::refused;
use super::frame::{Header, c_string};
use super::judging::{count, judged_no};
use super::pending::{Kind, Renaming, Undo};
use crate::plan::{Names, Plan};
use crate::prepared::{Known, Prepared};
use crate::wire::PeerError;
use std::ops::Range;
use std::sync::Arc;

/// A name is cut to so many bytes.
const NAME: usize = 63;
/// Does nothing, and fails where the statement in whose place it is sent would: in a failed transaction.
const NOTHING: &[u8] = b"SET \"articdbm.nothing\" = ''";
const PREPARED: &[u8] = b"C\0\0\0\x0cPREPARE\0";
pub const DEALLOCATED: &[u8] = b"C\0\0\0\x0fDEALLOCATE\0";

/// Where the statement's name stands in the text, and the name.
pub fn find(text: &[u8], names: Names) -> Option<(Range<usize>, Vec<u8>)> {
    let mut words = Words { text, at: 0 };
    match names {
        Names::Makes => words.keyword(b"prepare")?,
        Names::Runs => while words.keyword(b"execute").is_none() {},
        Names::Drops => {
            words.keyword(b"deallocate")?;
            let name = words.next()?;
            let bare = text.get(name.clone())?.eq_ignore_ascii_case(b"prepare");
            let behind = bare.then(|| words.next()).flatten();
            return named(text, behind.unwrap_or(name));
        }
    }
    let name = words.next()?;
    named(text, name)
}

fn named(text: &[u8], range: Range<usize>) -> Option<(Range<usize>, Vec<u8>)> {
    let word = text.get(range.clone())?;
    if word.eq_ignore_ascii_case(b"u") && text.get(range.end..)?.starts_with(b"&\"") {
        // Written in escapes.
        return None;
    }
    let mut name = match word.strip_prefix(b"\"").and_then(|word| word.strip_suffix(b"\"")) {
        Some(quoted) => {
            let mut name = Vec::with_capacity(quoted.len());
            let mut rest = quoted;
            while let Some((byte, after)) = rest.split_first() {
                name.push(*byte);
                rest = if *byte == b'"' { after.get(1..)? } else { after };
            }
            name
        }
        None if word.first().is_some_and(|byte| begins_word(*byte)) => word.to_ascii_lowercase(),
        None => return None,
    };
    if name.len() > NAME {
        let mut end = NAME;
        while end > 0 && name.get(end).is_some_and(|byte| byte & 0xc0 == 0x80) {
            end -= 1;
        }
        name.truncate(end);
    }
    Some((range, name))
}

fn begins_word(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

/// Words, quoted names and signs of a text, without space and comments. Ends at a string: none comes before a name.
pub struct Words<'a> {
    pub text: &'a [u8],
    pub at: usize,
}

impl Words<'_> {
    pub fn rest(&self) -> &[u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub fn skip_space(&mut self) -> Option<()> {
        loop {
            match self.rest() {
                [b' ' | b'\t' | b'\n' | b'\r' | b'\x0b' | b'\x0c', ..] => self.at += 1,
                [b'-', b'-', rest @ ..] => {
                    let line = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
                    self.at += 2 + line.unwrap_or(rest.len());
                }
                [b'/', b'*', ..] => self.skip_comment()?,
                _ => return Some(()),
            }
        }
    }

    fn skip_comment(&mut self) -> Option<()> {
        let mut depth = 0;
        loop {
            match self.rest() {
                [b'/', b'*', ..] => (depth, self.at) = (depth + 1, self.at + 2),
                [b'*', b'/', ..] => (depth, self.at) = (depth - 1, self.at + 2),
                [_, ..] => self.at += 1,
                [] => return None,
            }
            if depth == 0 {
                return Some(());
            }
        }
    }

    pub fn next(&mut self) -> Option<Range<usize>> {
        self.skip_space()?;
        let from = self.at;
        let length = match self.rest() {
            [] | [b'\'' | b'$', ..] => return None,
            [b'"', rest @ ..] => {
                let mut at = 0;
                loop {
                    match rest.get(at..)? {
                        [b'"', b'"', ..] => at += 2,
                        [b'"', ..] => break at + 2,
                        [_, ..] => at += 1,
                        [] => return None,
                    }
                }
            }
            [first, rest @ ..] if begins_word(*first) => {
                let in_word = |byte: &u8| begins_word(*byte) || byte.is_ascii_digit() || *byte == b'$';
                1 + rest.iter().position(|byte| !in_word(byte)).unwrap_or(rest.len())
            }
            _ => 1,
        };
        self.at += length;
        Some(from..self.at)
    }

    /// Some(()) when the next word is this one; None at the end, too: then the one after it is None as well.
    fn keyword(&mut self, keyword: &[u8]) -> Option<()> {
        let word = self.next();
        let found = word
            .clone()
            .and_then(|word| self.text.get(word))
            .is_some_and(|word| word.eq_ignore_ascii_case(keyword));
        (found || word.is_none()).then_some(())
    }
}

impl Session {
    /// A simple query that is one statement about a prepared one. None: nothing is known of that name here, and the
    /// text goes to the server as it is.
    pub fn named_query(
        &mut self,
        lane: &mut Lane<'_>,
        text: &[u8],
        header: Header,
        plan: &Arc<Plan>,
        cx: &mut Cx<'_>,
    ) -> Result<Option<Step>, PeerError> {
        let Some(names) = plan.names.filter(|_| !self.unsafe_encoding) else { return Ok(None) };
        let Some((range, name)) = find(text, names) else { return Ok(None) };
        if self.is_undecided(&name, lane) {
            lane.out.extend_from_slice(build::FLUSH);
            return Ok(Some(Step::Quiet));
        }
        let known = self.named.as_ref().and_then(|all| all.get(&name[..])).cloned();
        let took = Step::Took(header.total);
        let mut behind = None;
        let mut decided = None;
        if names == Names::Runs {
            match self.plan_behind(&name, cx) {
                Some(None) => return Ok(Some(Step::Plan)),
                Some(Some(known)) => {
                    if let Some(error) = refused(&known) {
                        // Policy changed since it was prepared.
                        lane.up.push(cx.me, Kind::RefusedQuery(error), None, cx.now_us);
                        build::query(lane.out, build::REFUSED);
                        return Ok(Some(took));
                    }
                    let judged = self.judge_arguments(&known, &name, text, cx);
                    if let Some(error) = judged.and_then(|decision| judged_no(&known, &decision)) {
                        lane.up.push(cx.me, Kind::RefusedQuery(error), None, cx.now_us);
                        build::query(lane.out, build::REFUSED);
                        return Ok(Some(took));
                    }
                    decided = judged.map(|decision| (Arc::clone(&known), decision));
                    behind = Some(known).filter(|known| known.names.is_none() && known.matters());
                }
                None => {}
            }
        }
        match (names, known) {
            (Names::Makes, None) => {
                self.has_room()?;
                let tail = text.get(range.end..).unwrap_or_default();
                let prepared = cx.shared.prepared.intern_sql(&cx.settings.reading(), tail);
                if self.in_doubt(lane, &prepared) {
                    return Ok(Some(Step::Quiet));
                }
                let there = is_there(lane.up, lane.out, &prepared, true, cx);
                let known = self.known(plan, text, cx);
                let entry =
                    Named { prepared: Arc::clone(&prepared), plan: Arc::clone(plan), runs: None, known };
                self.named.get_or_insert_default().insert(name.clone().into(), entry);
                let undo = Undo::Named { name: name.clone().into(), before: None };
                let renaming = if there {
                    build::query(lane.out, NOTHING);
                    Renaming { tag: Some(PREPARED), ..Renaming::default() }
                } else {
                    send_renamed(lane, &[], text, &range, &prepared.name);
                    renaming(&[], text, &range, &name, &prepared, Some(&prepared))
                };
                self.push_named(lane, renaming, plan, Some(undo), cx);
                Ok(Some(took))
            }
            (Names::Drops, Some(before)) => {
                let undo = Undo::Named { name: name.clone().into(), before: Some(before) };
                self.forget(&name);
                build::query(lane.out, NOTHING);
                let renaming = Renaming { tag: Some(DEALLOCATED), ..Renaming::default() };
                self.push_named(lane, renaming, plan, Some(undo), cx);
                Ok(Some(took))
            }
            // A name that is taken: the server says so of the name the statement has there.
            (Names::Runs | Names::Makes, Some(Named { prepared, .. })) => {
                if self.in_doubt(lane, &prepared) {
                    return Ok(Some(Step::Quiet));
                }
                let there = is_there(lane.up, lane.out, &prepared, false, cx);
                let mut prefix = Vec::new();
                let mut made = None;
                if !there {
                    if prepared.sql {
                        prefix = prepared.statement();
                        prefix.extend_from_slice(b"\n;");
                        made = Some(&prepared);
                    } else {
                        build::message(lane.out, b'P', &[&prepared.name, b"\0", &prepared.body]);
                        lane.up.push(cx.me, Kind::Prepare(Some(Arc::clone(&prepared))), None, cx.now_us);
                        if !self.open {
                            // In a unit of the client's it is the client's Sync that a failure waits for.
                            lane.up.push(cx.me, Kind::Ensure, None, cx.now_us);
                            lane.out.extend_from_slice(build::SYNC);
                        }
                    }
                }
                if let Some((known, decision)) = &decided {
                    count(known, decision, cx);
                }
                // CREATE TEMP TABLE … AS EXECUTE, and what runs is the statement behind the name.
                for plan in behind.iter().chain([plan]) {
                    if let Some(why) = &plan.effect.pin {
                        self.pin(why, cx.shared);
                    }
                    self.note_effect(plan, lane.up, cx.shared);
                }
                let plan = behind.as_ref().unwrap_or(plan);
                send_renamed(lane, &prefix, text, &range, &prepared.name);
                let renaming = renaming(&prefix, text, &range, &name, &prepared, made);
                self.push_named(lane, renaming, plan, None, cx);
                Ok(Some(took))
            }
            (Names::Drops | Names::Runs, None) => Ok(None),
        }
    }

    /// A Parse of what runs another statement by its name: how it is sent. None: it is none, or names none of ours.
    pub fn runs(&self, body: &[u8], plan: &Plan) -> Option<Box<Runs>> {
        if plan.names != Some(Names::Runs) || self.unsafe_encoding {
            return None;
        }
        let (text, _) = c_string(body)?;
        let (_, name) = find(text, Names::Runs)?;
        self.target(&name)?;
        Some(Box::new(Runs { name: name.into(), target: None, body: body.into() }))
    }

    /// What may be run by its name. Not what itself runs another: two could run each other.
    fn target(&self, name: &[u8]) -> Option<&Named> {
        self.named.as_ref()?.get(name).filter(|named| named.runs.is_none())
    }

    /// The name of what this statement runs by it.
    pub fn target_of(&self, name: &[u8]) -> Option<Box<[u8]>> {
        let runs = if name.is_empty() {
            self.unnamed.as_ref()?.runs.as_ref()
        } else {
            self.named.as_ref()?.get(name)?.runs.as_ref()
        };
        runs.map(|runs| runs.name.clone()).filter(|name| self.target(name).is_some())
    }

    /// The text of such a Parse with the server's name for what it runs, and which that is. One that is gone is left as
    /// the client wrote it: the server then says so.
    pub fn written(&self, runs: &Runs) -> (Vec<u8>, Option<u64>) {
        let plain = (runs.body.to_vec(), None);
        let Some((text, types)) = c_string(&runs.body) else { return plain };
        let Some((range, name)) = find(text, Names::Runs) else { return plain };
        let Some(target) = self.target(&name) else { return plain };
        let target = &target.prepared;
        let (before, after) = (text.get(..range.start), text.get(range.end..));
        let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
        ([before, b"\"", &target.name[..], b"\"", after, b"\0", types].concat(), Some(target.id))
    }

    /// A DEALLOCATE outside a transaction needs no server: the name is between client and us.
    pub fn drops_alone(&mut self, text: &[u8], plan: &Plan) -> bool {
        plan.names == Some(Names::Drops)
            && !self.unsafe_encoding
            && find(text, Names::Drops).is_some_and(|(_, name)| self.forget(&name).is_some())
    }

    fn in_doubt(&self, lane: &mut Lane<'_>, prepared: &Prepared) -> bool {
        let doubt = lane.up.prepared.touch(prepared.id, lane.up.unit()) == Known::Doubt && !lane.up.is_dry();
        if doubt {
            lane.out.extend_from_slice(build::FLUSH);
        }
        doubt
    }

    fn push_named(
        &mut self,
        lane: &mut Lane<'_>,
        renaming: Renaming,
        plan: &Arc<Plan>,
        undo: Option<Undo>,
        cx: &Cx<'_>,
    ) {
        self.forget_unnamed();
        if undo.is_some() {
            self.touched = true;
        }
        self.unit_sent();
        lane.up.push_named(cx.me, renaming, Arc::clone(plan), undo, cx.now_us);
    }
}

fn send_renamed(lane: &mut Lane<'_>, prefix: &[u8], text: &[u8], range: &Range<usize>, own: &[u8]) {
    let (before, after) = (text.get(..range.start), text.get(range.end..));
    let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
    // In quotes: the client's may have stood close to its neighbours.
    build::query(lane.out, &[prefix, before, b"\"", own, b"\"", after].concat());
}

fn renaming(
    prefix: &[u8],
    text: &[u8],
    range: &Range<usize>,
    name: &[u8],
    prepared: &Arc<Prepared>,
    made: Option<&Arc<Prepared>>,
) -> Renaming {
    let letters = |bytes: &[u8]| bytes.iter().filter(|byte| *byte & 0xc0 != 0x80).count();
    let written = letters(text.get(range.clone()).unwrap_or_default());
    Renaming {
        own: prepared.name.clone(),
        shown: name.into(),
        skips: usize::from(!prefix.is_empty()),
        tag: None,
        made: made.cloned(),
        before: letters(prefix),
        at: letters(text.get(..range.start).unwrap_or_default()),
        longer: prepared.name.len() as isize + 2 - written as isize,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str, names: Names) -> Option<(String, String)> {
        let (range, name) = find(text.as_bytes(), names)?;
        Some((text[range].to_owned(), String::from_utf8(name).unwrap()))
    }

    #[test]
    fn where_the_name_stands() {
        let found = |written: &str, name: &str| Some((written.to_owned(), name.to_owned()));
        assert_eq!(name("PREPARE Plan (int) AS SELECT $1", Names::Makes), found("Plan", "plan"));
        assert_eq!(
            name(" /* a /* b */ */ prepare--x\n\"A \"\"b\"(int) as", Names::Makes),
            found("\"A \"\"b\"", "A \"b")
        );
        assert_eq!(name("EXECUTE p(1)", Names::Runs), found("p", "p"));
        assert_eq!(name("EXPLAIN (ANALYZE, COSTS off) EXECUTE p$1(1)", Names::Runs), found("p$1", "p$1"));
        assert_eq!(name("create table \"execute\" as execute é", Names::Runs), found("é", "é"));
        assert_eq!(name("DEALLOCATE p;", Names::Drops), found("p", "p"));
        assert_eq!(name("DEALLOCATE PREPARE p", Names::Drops), found("p", "p"));
        assert_eq!(name("DEALLOCATE prepare", Names::Drops), found("prepare", "prepare"));
        let long = "x".repeat(80);
        assert_eq!(name(&format!("EXECUTE {long}"), Names::Runs), found(&long, &long[..63]));
        for text in [
            "",
            "EXECUTE",
            "EXECUTE 'p'",
            "EXECUTE U&\"p\"",
            "SELECT 1",
            "EXECUTE /* open",
            "EXECUTE \"open",
            "EXECUTE (p)",
        ] {
            assert_eq!(name(text, Names::Runs), None, "{text}");
        }
    }
}
