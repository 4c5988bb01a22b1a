"""ResDex (ICLR 2025): base policies, hyper-policies, vision students."""
