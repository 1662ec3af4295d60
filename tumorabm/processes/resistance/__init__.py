"""What makes tumor cells answer less to treatment, and what that costs them."""
