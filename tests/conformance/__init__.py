"""What VICIdial answered, asked of Didier again."""
