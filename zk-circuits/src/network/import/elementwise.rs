//! Element-wise operators.

use super::{
	attribute, attributes, bounds, element_type, integers, onnx, operand, operands, shape,
	Attribute, DataType, ElementType, ImportError, Importer, Interval, Operator, Pick, Tensor,
	Value,
};

const U8_MAX: i64 = u8::MAX as i64;

impl<'a> Importer<'a> {
	/// `int32` operands, broadcast to one shape.
	fn broadcast(&mut self, node: &onnx::Node) -> Result<(Vec<usize>, Vec<usize>), ImportError> {
		let values: Vec<Value> =
			(0..node.inputs.len()).map(|at| self.read_i32(node, at)).collect::<Result<_, _>>()?;
		self.broadcast_values(node, &values)
	}

	fn broadcast_values(
		&mut self,
		node: &onnx::Node,
		values: &[Value],
	) -> Result<(Vec<usize>, Vec<usize>), ImportError> {
		let mut shape = Vec::new();
		for value in values {
			shape = shape::broadcast(&shape, &value.shape).ok_or_else(|| {
				operand(node, format!("shapes {shape:?} and {:?} do not broadcast", value.shape))
			})?;
		}
		self.elements_of(node, &shape)?;
		let indices = values
			.iter()
			.map(|value| self.stretch(node, value, &shape))
			.collect::<Result<Vec<_>, _>>()?;
		Ok((indices, shape))
	}

	/// A value stretched to a shape that it broadcasts to.
	fn stretch(
		&mut self,
		node: &onnx::Node,
		value: &Value,
		shape: &[usize],
	) -> Result<usize, ImportError> {
		if value.shape.iter().product::<usize>() == shape.iter().product::<usize>() {
			return Ok(value.index);
		}
		let positions = shape::broadcast_positions(&value.shape, shape);
		let picks = positions.into_iter().map(|at| Pick::Element { source: 0, at }).collect();
		self.add_node(&node.name, &node.operator, vec![value.index], Operator::Select { picks })
	}

	/// `a + sign · b`.
	pub(super) fn add(&mut self, node: &'a onnx::Node, sign: i64) -> Result<(), ImportError> {
		attributes(node, &[])?;
		operands(node, 2..=2)?;
		let values = [self.addend(node, 0)?, self.addend(node, 1)?];
		let (sources, shape) = self.broadcast_values(node, &values)?;
		let elements = shape.iter().product();
		let operator =
			Operator::Sum { factors: vec![vec![1; elements], vec![sign; elements]], constant: 0 };
		self.push(node, sources, operator, ElementType::I32, shape)
	}

	/// An operand of a sum. A constant that is added to a product of private weights is private.
	fn addend(&mut self, node: &onnx::Node, at: usize) -> Result<Value, ImportError> {
		let value = self.read_i32(node, at)?;
		let other = node.inputs.get(1 - at).and_then(|name| self.values.get(name.as_str()));
		let of_product = other.and_then(|other| other.index.checked_sub(1)).is_some_and(|index| {
			matches!(&self.nodes[index].operator, Operator::Linear(linear) if linear.private.is_some())
		});
		if !of_product {
			return Ok(value);
		}
		if self.is_constant(node, at) {
			let operator = Operator::private(&self.constants(value.index));
			self.bounds[value.index] = bounds::of(&operator, &[]);
			self.nodes[value.index - 1].operator = operator;
		} else if self.bounds[value.index].iter().all(|bound| bound.lo == bound.hi) {
			let reason = format!(
				"its input {at} is computed from constants, which would not be private: make the result an 				 initializer"
			);
			return Err(operand(node, reason));
		}
		Ok(value)
	}

	pub(super) fn neg(&mut self, node: &'a onnx::Node) -> Result<(), ImportError> {
		attributes(node, &[])?;
		operands(node, 1..=1)?;
		let value = self.read_i32(node, 0)?;
		let factors = vec![vec![-1; value.shape.iter().product()]];
		let operator = Operator::Sum { factors, constant: 0 };
		self.push(node, vec![value.index], operator, ElementType::I32, value.shape)
	}

	pub(super) fn mul(&mut self, node: &'a onnx::Node) -> Result<(), ImportError> {
		attributes(node, &[])?;
		operands(node, 2..=2)?;
		let constant = (0..2).find(|&at| self.is_constant(node, at));
		let (sources, shape) = self.broadcast(node)?;
		match constant {
			None => self.push(node, sources, Operator::Product, ElementType::I32, shape),
			Some(at) => {
				let factors = vec![self.constants(sources[at])];
				let operator = Operator::Sum { factors, constant: 0 };
				self.push(node, vec![sources[1 - at]], operator, ElementType::I32, shape)
			},
		}
	}

	/// The elements of a value that is constant.
	fn constants(&self, value: usize) -> Vec<i64> {
		self.bounds[value].iter().map(|bound| bound.lo).collect()
	}

	pub(super) fn div(&mut self, node: &'a onnx::Node) -> Result<(), ImportError> {
		attributes(node, &[])?;
		operands(node, 2..=2)?;
		let by_constant = self.is_constant(node, 1);
		let (sources, shape) = self.broadcast(node)?;
		if by_constant {
			let divisors = self.constants(sources[1]);
			if divisors.iter().any(|&divisor| divisor < 1) {
				return Err(operand(node, "every divisor must be positive"));
			}
			let mut value = Value::new(sources[0], ElementType::I32, shape);
			value.division = Some(divisors);
			self.give(node, 0, value);
			return Ok(());
		}
		let least = |value: usize| self.bounds[value].iter().map(|bound| bound.lo).min();
		if least(sources[0]).is_some_and(|lo| lo < 0) || least(sources[1]).is_some_and(|lo| lo < 1)
		{
			let reason =
				"where both operands are activations, the dividend must be known to be at \
			              least 0, and the divisor at least 1";
			return Err(operand(node, reason));
		}
		self.push(node, sources, Operator::Quotient, ElementType::I32, shape)
	}

	pub(super) fn clip(&mut self, node: &'a onnx::Node) -> Result<(), ImportError> {
		attributes(node, &[])?;
		operands(node, 1..=3)?;
		let limit = |at: usize, default: i64| match node.inputs.get(at).map(String::as_str) {
			None | Some("") => Ok(default),
			Some(_) => match (&self.constant(node, at)?, self.element(node)) {
				(Tensor { dims, data }, element)
					if element_type(data) == element && (dims.is_empty() || dims == &[1]) =>
				{
					Ok(integers(data).and_then(|limit| limit.first().copied()).unwrap_or(default))
				},
				_ => Err(operand(node, "its limits must be scalars of the type that it acts on")),
			},
		};
		let Interval { lo: least, hi: most } = Interval::I32;
		let (lo, hi) = (limit(1, least)?, limit(2, most)?);
		let rescales = (lo, hi) == (0, U8_MAX);
		if let Some(value) = self.read_divided(node, 0)?.filter(|_| rescales) {
			let elements = self.bounds[value.index].len();
			let divisors = value.division.clone().unwrap_or_else(|| vec![1; elements]);
			if value.element == ElementType::I32 && divisors.iter().all(|d| d.count_ones() == 1) {
				let shifts = divisors.iter().map(|divisor| divisor.trailing_zeros()).collect();
				let operator = Operator::Rescale { shifts };
				return self.push(node, vec![value.index], operator, ElementType::I32, value.shape);
			}
		}
		let value = self.read_ordered(node, 0)?;
		let operator = Operator::Clip { lo, hi };
		self.push(node, vec![value.index], operator, value.element, value.shape)
	}

	pub(super) fn relu(&mut self, node: &'a onnx::Node) -> Result<(), ImportError> {
		attributes(node, &[])?;
		operands(node, 1..=1)?;
		let value = self.read_i32(node, 0)?;
		let operator = Operator::Clip { lo: 0, hi: Interval::I32.hi };
		self.push(node, vec![value.index], operator, ElementType::I32, value.shape)
	}

	pub(super) fn abs(&mut self, node: &'a onnx::Node) -> Result<(), ImportError> {
		attributes(node, &[])?;
		operands(node, 1..=1)?;
		let value = self.read_i32(node, 0)?;
		self.push(node, vec![value.index], Operator::Abs, ElementType::I32, value.shape)
	}

	/// `Max`, or `Min` as the negative of the maximum of the negatives.
	pub(super) fn max(&mut self, node: &'a onnx::Node, least: bool) -> Result<(), ImportError> {
		attributes(node, &[])?;
		operands(node, 1..=usize::MAX)?;
		let values: Vec<Value> = (0..node.inputs.len())
			.map(|at| self.read_ordered(node, at))
			.collect::<Result<_, _>>()?;
		let element = values[0].element;
		if let Some(other) = values.iter().find(|value| value.element != element) {
			return Err(operand(
				node,
				format!("{element} and {} do not fit together", other.element),
			));
		}
		let (mut sources, shape) = self.broadcast_values(node, &values)?;
		let elements: usize = shape.iter().product();
		self.store(node, elements.saturating_mul(sources.len()))?;
		let negated = || Operator::Sum { factors: vec![vec![-1; elements]], constant: 0 };
		if least {
			for source in &mut sources {
				*source = self.add_node(&node.name, &node.operator, vec![*source], negated())?;
			}
		}
		let window = |at| (0..sources.len()).map(|source| Pick::Element { source, at }).collect();
		let operator = Operator::Max { windows: (0..elements).map(window).collect() };
		if !least {
			return self.push(node, sources, operator, element, shape);
		}
		let most = self.add_node(&node.name, &node.operator, sources, operator)?;
		self.push(node, vec![most], negated(), element, shape)
	}

	pub(super) fn cast(&mut self, node: &'a onnx::Node) -> Result<(), ImportError> {
		attributes(node, &["saturate", "to"])?;
		operands(node, 1..=1)?;
		let to = match node.attributes.get("to") {
			Some(Attribute::Int(code)) => i32::try_from(*code).unwrap_or(0),
			_ => 0,
		};
		let mut value = self.read(node, 0)?;
		value.element = match DataType::try_from(to) {
			Ok(DataType::Uint8) => {
				self.check_range(node, &value)?;
				ElementType::U8
			},
			Ok(DataType::Int32) => ElementType::I32,
			Ok(DataType::Int64) => ElementType::I64,
			_ => {
				return Err(attribute(
					node,
					"to",
					"2 (uint8), 6 (int32) and 7 (int64) are provable",
				))
			},
		};
		self.give(node, 0, value);
		Ok(())
	}

	fn check_range(&self, node: &onnx::Node, value: &Value) -> Result<(), ImportError> {
		for (element, bounds) in self.bounds[value.index].iter().enumerate() {
			if !bounds.within(&Interval::U8) {
				return Err(ImportError::CastRange {
					node: node.name.clone(),
					element,
					lo: bounds.lo,
					hi: bounds.hi,
				});
			}
		}
		Ok(())
	}
}
