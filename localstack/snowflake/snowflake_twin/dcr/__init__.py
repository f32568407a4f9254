"""The clean-room collaboration API: procedures over YAML specs."""
