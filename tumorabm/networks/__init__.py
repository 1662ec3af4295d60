"""Looking at signaling networks by themselves: their steady states, responses to drugs, and pictures of them."""
