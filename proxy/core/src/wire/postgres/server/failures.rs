//! An error came: what of that was sent did not happen, and what was believed of it is taken back.

use super::super::build;
use super::super::pending::{Kind, Pending, Renaming, Undo};
use super::{Lost, Sink, Upstream, Verdict};

impl Upstream {
    pub(super) fn error(&mut self, body: &[u8], sink: &mut impl Sink) -> Result<Verdict, Lost> {
        let severity = build::field(body, b'V').or_else(|| build::field(body, b'S')).unwrap_or_default();
        let text =
            |field| String::from_utf8_lossy(build::field(body, field).unwrap_or_default()).into_owned();
        if matches!(severity, b"FATAL" | b"PANIC") {
            return Err(Lost::Fatal(text(b'C'), text(b'M')));
        }
        let code = build::field(body, b'C').unwrap_or_default();
        let mut own = None;
        match self.pending.front_mut() {
            None => return Err(Lost::Desync("an error that nobody asked for")),
            // What it would have set holds no longer than the transaction that failed.
            Some(Pending { kind: Kind::Restore(_), .. }) if self.status == b'E' => {
                self.unit.failed = true;
                return Ok(Verdict::Ours);
            }
            // It is not known then, and everything stays as it is.
            Some(Pending { kind: Kind::Question(_), .. }) => {
                self.unit.failed = true;
                return Ok(Verdict::Ours);
            }
            Some(Pending { kind: Kind::Setup | Kind::Reset | Kind::Restore(_), .. }) => {
                return Err(Lost::Setup(text(b'M')));
            }
            Some(Pending { kind: Kind::RefusedQuery(bytes) | Kind::Refused(bytes), .. }) => {
                let bytes = std::mem::take(bytes);
                self.fail_unit(sink);
                return Ok(Verdict::Instead(bytes));
            }
            Some(Pending { kind: Kind::Taken(renaming), .. }) => {
                let mut said = Vec::new();
                build::message(&mut said, b'E', &[&renaming.error(body)]);
                self.fail_unit(sink);
                return Ok(Verdict::Instead(said.into()));
            }
            // The one error of the extended protocol in which the server speaks of a statement it has.
            Some(Pending { kind: Kind::Bind, client, .. }) => {
                own = quoted(build::field(body, b'M').unwrap_or_default()).map(|own| (*client, own));
            }
            Some(_) => {}
        }
        // No such statement, or one too many: what is believed of the connection's statements is wrong (a unit
        // before failed and took a Parse with it that this one relied on).
        let stale = code == b"0A000" && build::field(body, b'R') == Some(b"RevalidateCachedQuery")
            || matches!(code, b"26000" | b"42P05");
        // Of what a function puts together and has run the server says so: there the text around it has begun.
        self.unit.unread = code == b"42601"
            && build::field(body, b'R') == Some(b"scanner_yyerror")
            && build::field(body, b'q').is_none();
        self.fail_unit(sink);
        if stale {
            self.purge = true;
            let again =
                matches!(self.pending.front(), Some(Pending { kind: Kind::Sync { again: true, .. }, .. }));
            // What its owner has sent behind it would come before it.
            let last = self.owner.is_none() || self.pending.len() == 1;
            self.unit.silent = again && last && !self.unit.said;
        }
        if let Some((client, own)) = own
            && !self.unit.silent
            && let Some(shown) = sink.shown(client, own)
        {
            let renaming = Renaming { own: own.into(), shown, ..Renaming::default() };
            let mut said = Vec::new();
            build::message(&mut said, b'E', &[&renaming.error(body)]);
            return Ok(Verdict::Instead(said.into()));
        }
        if matches!(self.pending.front(), Some(Pending { kind: Kind::Ensure, .. })) {
            self.carried = Some(body.into());
            return Ok(Verdict::Ours);
        }
        if let Some(Pending { kind: Kind::Query(Some(renaming)), .. }) = self.pending.front() {
            let body = self.carried.take().unwrap_or_else(|| body.into());
            let mut said = Vec::new();
            build::message(&mut said, b'E', &[&renaming.error(&body)]);
            return Ok(Verdict::Instead(said.into()));
        }
        if let Some(text) = self.stopped
            && code == b"57014"
        {
            let mut said = Vec::new();
            build::error(&mut said, "ERROR", "57014", text);
            return Ok(Verdict::Instead(said.into()));
        }
        Ok(if self.unit.silent { Verdict::Ours } else { Verdict::Pass })
    }

    /// The server ignores the rest of the unit. What was believed of it is taken back.
    pub(super) fn fail_unit(&mut self, sink: &mut impl Sink) {
        self.unit.failed = true;
        self.copying = false;
        if let Some(undo) = self.pending.front_mut().and_then(|pending| pending.undo.as_mut())
            && let Undo::Unnamed { before, .. } = &mut **undo
        {
            // A Parse drops the one there was before it looks at its text.
            *before = None;
        }
        self.skipping = self.pending.front().is_some_and(|pending| !pending.kind.ends_unit());
        self.drop_skipped(sink);
    }

    pub(super) fn drop_skipped(&mut self, sink: &mut impl Sink) {
        if !self.skipping {
            return;
        }
        // Up to the Sync: a simple query in between is not heard either.
        let mut skipped = Vec::new();
        let goes_on = |kind: &Kind| matches!(kind, Kind::Sync { .. } | Kind::Ensure);
        while self.pending.front().is_some_and(|pending| !goes_on(&pending.kind)) {
            skipped.extend(self.pending.pop_front());
        }
        let units = skipped.iter().filter(|pending: &&Pending| pending.kind.ends_unit()).count();
        self.units = self.units.saturating_sub(units);
        // The last belief goes first: each one was built on those before it.
        for pending in skipped.into_iter().rev() {
            self.take_back(pending, sink);
        }
    }

    /// The server did not do this one.
    pub(super) fn take_back(&mut self, pending: Pending, sink: &mut impl Sink) {
        match pending.kind {
            Kind::Prepare(Some(prepared)) | Kind::Parse(Some(prepared)) => {
                self.prepared.parsed(prepared.id, false)
            }
            Kind::Query(Some(renaming)) => {
                if let Some(made) = renaming.made {
                    self.prepared.parsed(made.id, false);
                }
            }
            Kind::Made(prepared) => self.prepared.parsed(prepared.id, false),
            Kind::Prepare(None) | Kind::Parse(None) => self.unnamed = None,
            Kind::Evict(prepared) => self.prepared.restore(&prepared),
            _ => {}
        }
        let Some(mut undo) = pending.undo else { return };
        if let Undo::Forgot { on_server, .. } = &mut *undo {
            self.prepared.restore_all(std::mem::take(on_server));
        }
        sink.undo(pending.client, *undo);
    }
}

/// The first name in quotes.
fn quoted(text: &[u8]) -> Option<&[u8]> {
    let mut parts = text.split(|byte| *byte == b'"');
    parts.next()?;
    parts.next()
}
