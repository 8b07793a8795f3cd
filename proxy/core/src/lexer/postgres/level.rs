//! One level of parentheses in an expression: what was compared with what, as far as constants go.
//!
//! Knows operands and precedence, not tokens.

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    No,
    This,
    /// This one and all before it, from this index on.
    Since(u32),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Operand {
    Nothing,
    Constant,
    Variable,
}

/// What stands left of the comparison that is open on a level.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Compared {
    Nothing,
    Constant,
    /// A constant, by BETWEEN: the next AND belongs to it.
    Between,
}

/// PostgreSQL's precedence of what compares, loosest first. Arithmetic binds tighter than all of these.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Binding {
    Nothing,
    Is,
    /// `<`, `>`, `=`, `<=`, `>=`, `<>`
    Ordering,
    /// BETWEEN, IN, LIKE, …
    Matching,
    Operator,
}

#[derive(Clone, Copy)]
pub(super) struct Level {
    /// The first literal of the expression.
    pub first: u32,
    pub operand: Operand,
    pub compared: Compared,
    /// How tightly the last comparison binds.
    pub binding: Binding,
    /// A variable stands left of it.
    pub variable_left: bool,
    pub has_variable: bool,
    pub has_constant: bool,
    pub is_call: bool,
    pub in_list: bool,
    /// Whole numbers may be positions of columns.
    pub positions: bool,
    /// Every literal here decides.
    pub keep: bool,
}

impl Level {
    pub const EMPTY: Self = Self {
        first: 0,
        operand: Operand::Nothing,
        compared: Compared::Nothing,
        binding: Binding::Nothing,
        variable_left: false,
        has_variable: false,
        has_constant: false,
        is_call: false,
        in_list: false,
        positions: false,
        keep: false,
    };

    pub fn variable(&mut self) {
        self.operand = Operand::Variable;
        self.has_variable = true;
    }

    pub fn constant(&mut self) {
        self.has_constant = true;
        if self.operand == Operand::Nothing {
            self.operand = Operand::Constant;
        }
    }

    pub fn constant_arrived(&mut self) -> Keep {
        self.constant();
        if self.compared != Compared::Nothing && self.operand == Operand::Constant {
            return Keep::Since(self.first);
        }
        Keep::No
    }

    /// What stands left of a comparison: the operand before it, and all before that unless it binds looser.
    pub fn compare(&mut self, binding: Binding) {
        if self.operand == Operand::Nothing {
            return;
        }
        let is_constant =
            self.operand == Operand::Constant && (binding > self.binding || !self.variable_left);
        self.compared = if is_constant { Compared::Constant } else { Compared::Nothing };
        self.variable_left |= self.operand == Operand::Variable;
        self.binding = binding;
        self.operand = Operand::Nothing;
    }

    pub fn restart(&mut self, literals: u32) {
        self.operand = Operand::Nothing;
        self.binding = Binding::Nothing;
        self.variable_left = false;
        if !self.in_list {
            self.first = literals;
            self.compared = Compared::Nothing;
        }
    }
}
