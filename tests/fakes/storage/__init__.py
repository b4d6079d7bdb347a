"""Object stores on this machine: Google's, faked by hand, and Amazon's by the package moto."""
