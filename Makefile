# Thin on purpose: what these do is in tools/.
.PHONY: demo test lint bench peers docs soak fuzz model n8n

demo: ## The whole way on this machine alone: consent, call, expiry, rotation, ten thousand leads
	@tools/demo

test: ## Everything: lint, Rust, Python, Node, templates, install from source
	@tools/test

lint: ## Only the checks of style and types
	@tools/test lint

bench: ## Speed, side by side with the floor
	@tools/bench

peers: ## REST clients side by side on the emulator; what was measured already is not measured again
	@tools/peers

docs: ## The user guide, into docs/book
	@tools/docs

soak: ## Ten minutes of kills and standstills for each store; every loss has to be explained
	@tools/soak

fuzz: ## Nonsense for the parsers, for as long as you like
	@tools/fuzz

model: ## The rotation protocol, in every order of its steps and faults
	@tools/model

n8n: ## The n8n template in a real n8n; installs it once, outside the checkout (2.5 GB)
	@tools/test n8n
