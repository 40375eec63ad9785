//! Element-wise operators.

use super::{
	attributes::{bad_attribute, float, int, known, refuse, text},
	Operand, Reader,
};
use crate::{
	onnx::{proto::tensor_proto::DataType, Node},
	quantize::{
		operator::{Binary, Move, Operator, Scalar},
		value::{broadcast, Kind, Value},
		QuantizeError,
	},
};

impl Reader<'_> {
	/// Reads an element-wise operator; `None` if it is none.
	pub(super) fn arithmetic(&mut self, node: &Node) -> Result<Option<Operand>, QuantizeError> {
		let binary = match node.operator.as_str() {
			"Add" | "Sum" | "Mean" => Some(Binary::Add),
			"Sub" => Some(Binary::Sub),
			"Mul" => Some(Binary::Mul),
			"Div" => Some(Binary::Div),
			"Max" => Some(Binary::Max),
			"Min" => Some(Binary::Min),
			"Pow" => Some(Binary::Pow),
			"Equal" => Some(Binary::Equal),
			"Less" => Some(Binary::Less),
			"Greater" => Some(Binary::Greater),
			"And" => Some(Binary::And),
			"Or" => Some(Binary::Or),
			_ => None,
		};
		if let Some(binary) = binary {
			known(node, &[])?;
			let mut result = self.operand(node, 0)?;
			for at in 1..node.inputs.len() {
				let operand = self.operand(node, at)?;
				result = self.binary(node, binary, result, operand)?;
			}
			if node.operator == "Mean" {
				let scale = Value::scalar(1.0 / node.inputs.len() as f64);
				result = self.affine(node, result, scale, Value::scalar(0.0))?;
			}
			return Ok(Some(result));
		}
		match node.operator.as_str() {
			"Cast" => return self.cast(node).map(Some),
			"Where" => return self.select(node).map(Some),
			"LeakyRelu" => {
				known(node, &["alpha"])?;
				let slope = Value::scalar(float(node, "alpha", 0.01)?);
				let x = self.operand(node, 0)?;
				return self.apply(node, Operator::PRelu { slope }, &[x]).map(Some);
			},
			"PRelu" => {
				let slope = self.weights(node, 1)?;
				let x = self.operand(node, 0)?;
				return self.apply(node, Operator::PRelu { slope }, &[x]).map(Some);
			},
			_ => {},
		}
		let Some(scalar) = self.scalar(node)? else { return Ok(None) };
		let x = self.operand(node, 0)?;
		self.apply(node, Operator::Scalar(scalar), &[x]).map(Some)
	}

	fn scalar(&self, node: &Node) -> Result<Option<Scalar>, QuantizeError> {
		let (scalar, attributes): (_, &[&str]) = match node.operator.as_str() {
			"Relu" => (Scalar::Relu, &[]),
			"Clip" => {
				let limit = |at, default| match self.optional_constant(node, at)? {
					None => Ok(default),
					Some(value) => {
						value.uniform().ok_or_else(|| refuse(node, "its limits must be numbers"))
					},
				};
				(Scalar::Clip(limit(1, f64::NEG_INFINITY)?, limit(2, f64::INFINITY)?), &[])
			},
			"Abs" => (Scalar::Abs, &[]),
			"Neg" => (Scalar::Neg, &[]),
			"Sigmoid" => (Scalar::Sigmoid, &[]),
			"Tanh" => (Scalar::Tanh, &[]),
			"HardSigmoid" => (
				Scalar::HardSigmoid(float(node, "alpha", 0.2)?, float(node, "beta", 0.5)?),
				&["alpha", "beta"],
			),
			"HardSwish" => (Scalar::HardSwish, &[]),
			"Erf" => (Scalar::Erf, &[]),
			"Exp" => (Scalar::Exp, &[]),
			"Log" => (Scalar::Log, &[]),
			"Sqrt" => (Scalar::Sqrt, &[]),
			"Reciprocal" => (Scalar::Reciprocal, &[]),
			"Softplus" => (Scalar::Softplus, &[]),
			"Softsign" => (Scalar::Softsign, &[]),
			"Elu" => (Scalar::Elu(float(node, "alpha", 1.0)?), &["alpha"]),
			"Celu" => (Scalar::Celu(float(node, "alpha", 1.0)?), &["alpha"]),
			"Selu" => (
				Scalar::Selu(float(node, "alpha", 1.673_263_2)?, float(node, "gamma", 1.050_701)?),
				&["alpha", "gamma"],
			),
			"Gelu" => match text(node, "approximate", "none")? {
				"none" => (Scalar::Gelu { tanh: false }, &["approximate"]),
				"tanh" => (Scalar::Gelu { tanh: true }, &["approximate"]),
				_ => {
					return Err(bad_attribute(node, "approximate", "only none and tanh are known"))
				},
			},
			"Mish" => (Scalar::Mish, &[]),
			"Sin" => (Scalar::Sin, &[]),
			"Cos" => (Scalar::Cos, &[]),
			"Sign" => (Scalar::Sign, &[]),
			"Floor" => (Scalar::Floor, &[]),
			"Ceil" => (Scalar::Ceil, &[]),
			"Round" => (Scalar::Round, &[]),
			"Not" => (Scalar::Not, &[]),
			_ => return Ok(None),
		};
		known(node, attributes)?;
		Ok(Some(scalar))
	}

	fn binary(
		&mut self,
		node: &Node,
		binary: Binary,
		a: Operand,
		b: Operand,
	) -> Result<Operand, QuantizeError> {
		let is_int = self.kind(&a) == Kind::Int && self.kind(&b) == Kind::Int;
		let binary = match binary {
			Binary::Div if is_int => Binary::Quotient,
			other => other,
		};
		let (x, constant, constant_first) = match (&a, &b) {
			(Operand::Node(_), Operand::Constant(c)) => (a.clone(), c.clone(), false),
			(Operand::Constant(c), Operand::Node(_)) => (b.clone(), c.clone(), true),
			_ => return self.apply(node, Operator::Binary(binary), &[a, b]),
		};
		let allowed = match binary {
			Binary::Max | Binary::Min => constant.data.iter().all(|c| !c.is_nan()),
			_ => constant.data.iter().all(|c| c.is_finite()),
		};
		if !allowed {
			return Err(refuse(node, "a constant is infinite or not a number"));
		}
		let map = |f: &dyn Fn(f64) -> f64| Value {
			data: constant.data.iter().map(|&c| f(c)).collect(),
			..constant.clone()
		};
		let (one, zero) = (Value::scalar(1.0), Value::scalar(0.0));
		match (binary, constant_first, constant.uniform()) {
			(Binary::Max, _, Some(c)) if constant.data.len() == 1 => {
				let scalar = Operator::Scalar(Scalar::Clip(c, f64::INFINITY));
				return self.apply(node, scalar, &[x]);
			},
			(Binary::Min, _, Some(c)) if constant.data.len() == 1 => {
				let scalar = Operator::Scalar(Scalar::Clip(f64::NEG_INFINITY, c));
				return self.apply(node, scalar, &[x]);
			},
			(Binary::Pow, false, Some(c)) => {
				return self.apply(node, Operator::Scalar(Scalar::Pow(c)), &[x]);
			},
			(Binary::Div, true, _) => {
				let inverse = self.apply(node, Operator::Scalar(Scalar::Reciprocal), &[x])?;
				let inverse = self.expand_to(node, inverse, &constant.dims)?;
				return self.affine(node, inverse, constant, zero);
			},
			_ => {},
		}
		let (scale, shift) = match (binary, constant_first) {
			(Binary::Add, _) => (one, constant),
			(Binary::Sub, false) => (one, map(&|c| -c)),
			(Binary::Sub, true) => (Value::scalar(-1.0), constant),
			(Binary::Mul, _) => (constant, zero),
			(Binary::Div, false) if constant.data.contains(&0.0) => {
				return Err(refuse(node, "it divides by zero"));
			},
			(Binary::Div, false) => (map(&|c| 1.0 / c), zero),
			(Binary::Quotient, false) if constant.data.contains(&0.0) => {
				return Err(refuse(node, "it divides by zero"));
			},
			_ => return self.apply(node, Operator::Binary(binary), &[a, b]),
		};
		let wide = if scale.data.len() > 1 { scale.dims.clone() } else { shift.dims.clone() };
		let x = self.expand_to(node, x, &wide)?;
		self.affine(node, x, scale, shift)
	}

	/// Repeats elements so that the operand has at least the shape it would be broadcast to.
	pub(super) fn expand_to(
		&mut self,
		node: &Node,
		mut x: Operand,
		dims: &[usize],
	) -> Result<Operand, QuantizeError> {
		let from = self.dims(&x);
		let wide = broadcast(&from, dims)
			.ok_or_else(|| refuse(node, format!("{from:?} and {dims:?} do not broadcast")))?;
		if wide.len() > from.len() {
			let padded = [&vec![1; wide.len() - from.len()][..], &from].concat();
			x = self.apply(node, Operator::Move(Move::Reshape(padded)), &[x])?;
		}
		for (axis, &size) in wide.iter().enumerate() {
			if self.dims(&x)[axis] != size {
				let select = Move::Select { axis, indices: vec![0; size] };
				x = self.apply(node, Operator::Move(select), &[x])?;
			}
		}
		Ok(x)
	}

	fn cast(&mut self, node: &Node) -> Result<Operand, QuantizeError> {
		known(node, &["to", "saturate"])?;
		let to = int(node, "to")?.ok_or_else(|| bad_attribute(node, "to", "it is missing"))?;
		let kind = match i32::try_from(to).ok().and_then(|to| DataType::try_from(to).ok()) {
			Some(DataType::Float | DataType::Double | DataType::Float16 | DataType::Bfloat16) => {
				Kind::Float
			},
			Some(
				DataType::Uint8
				| DataType::Int8
				| DataType::Int16
				| DataType::Uint16
				| DataType::Int32
				| DataType::Int64,
			) => Kind::Int,
			Some(DataType::Bool) => Kind::Bool,
			_ => return Err(bad_attribute(node, "to", "only numbers and bool are known")),
		};
		let x = self.operand(node, 0)?;
		let result = match (self.kind(&x), kind) {
			(Kind::Float, Kind::Int) => {
				self.apply(node, Operator::Scalar(Scalar::Truncate), &[x])?
			},
			(Kind::Float | Kind::Int, Kind::Bool) => {
				let not = self.apply(node, Operator::Scalar(Scalar::Not), &[x])?;
				self.apply(node, Operator::Scalar(Scalar::Not), &[not])?
			},
			(from, _) if from != kind => {
				// A node of its own, because the kind belongs to the node.
				self.affine(node, x, Value::scalar(1.0), Value::scalar(0.0))?
			},
			_ => return Ok(x),
		};
		Ok(match result {
			Operand::Constant(value) => Operand::Constant(Value { kind, ..value }),
			Operand::Node(index) => {
				self.nodes[index].kind = kind;
				Operand::Node(index)
			},
		})
	}

	/// `Where` with a constant condition, as in shape arithmetic and masks.
	fn select(&mut self, node: &Node) -> Result<Operand, QuantizeError> {
		let condition = self.constant(node, 0)?;
		let (a, b) = (self.operand(node, 1)?, self.operand(node, 2)?);
		match (condition.uniform(), &a, &b) {
			(Some(truth), ..) => {
				let (chosen, other) = if truth != 0.0 { (a, b) } else { (b, a) };
				let dims = self.dims(&other);
				let chosen = self.expand_to(node, chosen, &dims)?;
				self.expand_to(node, chosen, &condition.dims)
			},
			(None, Operand::Constant(a), Operand::Constant(b)) => {
				let dims = broadcast(&a.dims, &b.dims)
					.and_then(|dims| broadcast(&dims, &condition.dims))
					.filter(|dims| dims.iter().product::<usize>() <= 1 << 24)
					.ok_or_else(|| refuse(node, "its operands do not broadcast"))?;
				let (c, x, y) = (condition.spread(&dims), a.spread(&dims), b.spread(&dims));
				let data = (0..c.len()).map(|i| if c[i] != 0.0 { x[i] } else { y[i] }).collect();
				Ok(Operand::Constant(Value { dims, data, kind: a.kind }))
			},
			_ => Err(refuse(node, "its condition must be the same for all elements")),
		}
	}
}
