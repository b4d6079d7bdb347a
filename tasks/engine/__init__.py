"""What runs task instances: claims, steps, states, and the rules that move them."""
