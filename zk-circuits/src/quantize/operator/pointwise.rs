//! Functions of one number, and of one number with itself.

use std::{f64::consts, sync::Arc};

/// A function of one number, as ONNX defines the operator of that name.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::quantize) enum Scalar {
	Relu,
	/// Below zero times this number.
	Leaky(f64),
	/// Least and largest value.
	Clip(f64, f64),
	Abs,
	Neg,
	Sigmoid,
	Tanh,
	HardSigmoid(f64, f64),
	HardSwish,
	Erf,
	Exp,
	Log,
	Sqrt,
	Reciprocal,
	Softplus,
	Softsign,
	Elu(f64),
	Selu(f64, f64),
	Celu(f64),
	/// With the approximation by a hyperbolic tangent, or exactly.
	Gelu {
		tanh: bool,
	},
	Mish,
	Sin,
	Cos,
	Sign,
	Floor,
	Ceil,
	Round,
	Truncate,
	Not,
	/// The power of a constant exponent.
	Pow(f64),
	/// `Gather` of a constant list.
	Lookup(Arc<Vec<f64>>),
}

impl Scalar {
	pub(in crate::quantize) fn apply(&self, x: f64) -> f64 {
		let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
		let softplus = |x: f64| x.max(0.0) + (-x.abs()).exp().ln_1p();
		match self {
			Self::Relu => x.max(0.0),
			Self::Leaky(slope) if x < 0.0 => x * slope,
			Self::Leaky(_) => x,
			Self::Clip(lo, hi) => x.max(*lo).min(*hi),
			Self::Abs => x.abs(),
			Self::Neg => -x,
			Self::Sigmoid => sigmoid(x),
			Self::Tanh => x.tanh(),
			Self::HardSigmoid(alpha, beta) => (alpha * x + beta).clamp(0.0, 1.0),
			Self::HardSwish => x * (x / 6.0 + 0.5).clamp(0.0, 1.0),
			Self::Erf => erf(x),
			Self::Exp => x.exp(),
			Self::Log => x.ln(),
			Self::Sqrt => x.sqrt(),
			Self::Reciprocal => 1.0 / x,
			Self::Softplus => softplus(x),
			Self::Softsign => x / (1.0 + x.abs()),
			Self::Elu(alpha) if x < 0.0 => alpha * x.exp_m1(),
			Self::Elu(_) => x,
			Self::Selu(alpha, gamma) if x <= 0.0 => gamma * alpha * x.exp_m1(),
			Self::Selu(_, gamma) => gamma * x,
			Self::Celu(alpha) => x.max(0.0) + (alpha * (x / alpha).exp_m1()).min(0.0),
			Self::Gelu { tanh: false } => 0.5 * x * (1.0 + erf(x / consts::SQRT_2)),
			Self::Gelu { tanh: true } => {
				let inner = (2.0 / consts::PI).sqrt() * (x + 0.044715 * x.powi(3));
				0.5 * x * (1.0 + inner.tanh())
			},
			Self::Mish => x * softplus(x).tanh(),
			Self::Sin => x.sin(),
			Self::Cos => x.cos(),
			Self::Sign if x == 0.0 => 0.0,
			Self::Sign => x.signum(),
			Self::Floor => x.floor(),
			Self::Ceil => x.ceil(),
			Self::Round => x.round_ties_even(),
			Self::Truncate => x.trunc(),
			Self::Not => f64::from(u8::from(x == 0.0)),
			Self::Pow(exponent) => x.powf(*exponent),
			// A negative index counts from the end; one outside gives no number.
			Self::Lookup(table) => {
				let index = if x < 0.0 { x + table.len() as f64 } else { x };
				table.get(index as usize).copied().filter(|_| index >= 0.0).unwrap_or(f64::NAN)
			},
		}
	}

	/// Whether it has a pattern of integer arithmetic, so that it needs no table.
	pub(in crate::quantize) fn is_piecewise_linear(&self) -> bool {
		matches!(self, Self::Relu | Self::Clip(..) | Self::Abs | Self::Neg)
	}
}

/// The error function, to about 1e-12: its series near zero, the continued fraction of its
/// complement elsewhere.
fn erf(x: f64) -> f64 {
	let magnitude = x.abs();
	if magnitude < 2.5 {
		let (mut term, mut sum) = (x, x);
		for n in 1..80 {
			term *= -x * x / f64::from(n);
			sum += term / f64::from(2 * n + 1);
		}
		return sum * 2.0 / consts::PI.sqrt();
	}
	let mut fraction = magnitude;
	for n in (1..60).rev() {
		fraction = magnitude + f64::from(n) / 2.0 / fraction;
	}
	let complement = (-x * x).exp() / (fraction * consts::PI.sqrt());
	(1.0 - complement).copysign(x)
}

/// A function of two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::quantize) enum Binary {
	Add,
	Sub,
	Mul,
	Div,
	/// Division of integers, toward zero.
	Quotient,
	Max,
	Min,
	Pow,
	Equal,
	Less,
	Greater,
	And,
	Or,
}

impl Binary {
	pub(in crate::quantize) fn apply(self, a: f64, b: f64) -> f64 {
		let truth = |x: bool| f64::from(u8::from(x));
		match self {
			Self::Add => a + b,
			Self::Sub => a - b,
			Self::Mul => a * b,
			Self::Div => a / b,
			Self::Quotient => (a / b).trunc(),
			Self::Max => a.max(b),
			Self::Min => a.min(b),
			Self::Pow => a.powf(b),
			Self::Equal => truth(a == b),
			Self::Less => truth(a < b),
			Self::Greater => truth(a > b),
			Self::And => truth(a != 0.0 && b != 0.0),
			Self::Or => truth(a != 0.0 || b != 0.0),
		}
	}
}

/// A function of one number that several operators make together, such as
/// `0.5 · x · (1 + erf(x / √2))`.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::quantize) enum Function {
	/// The argument.
	X,
	Constant(f64),
	Scalar(Scalar, Arc<Function>),
	Binary(Binary, Arc<Function>, Arc<Function>),
}

impl Function {
	pub(in crate::quantize) fn apply(&self, x: f64) -> f64 {
		match self {
			Self::X => x,
			Self::Constant(c) => *c,
			Self::Scalar(scalar, inner) => scalar.apply(inner.apply(x)),
			Self::Binary(binary, a, b) => binary.apply(a.apply(x), b.apply(x)),
		}
	}
}
